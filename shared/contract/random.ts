import { createHash } from 'node:crypto';

/** A stream of pseudo-random numbers; equal parts give equal streams on every machine. */
export interface Random {
  /** A double in [0, 1) with 53 random bits. */
  next(): number;
  /** A whole number in [0, limit), without bias; `limit` from 1 to 2^32. */
  integer(limit: number): number;
}

/**
 * A generator for one named purpose, such as `randomFrom(seed, 'draw', round, exampleId)`: streams of different parts are
 * independent, so nothing depends on the order in which they are used. The state is the first 16 bytes of
 * sha256(JSON of the parts); the generator is xoshiro128** (Blackman and Vigna, 2018). Not for secrets.
 */
export function randomFrom(...parts: readonly (string | number)[]): Random {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest();
  let a = digest.readInt32BE(0);
  let b = digest.readInt32BE(4);
  let c = digest.readInt32BE(8);
  let d = digest.readInt32BE(12);
  // Of the last limit, as a division costs more than all the rest and most callers draw below one limit many times.
  let limited = Number.NaN;
  let end = 0;

  function bits(): number {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return result;
  }

  return {
    next: () => ((bits() >>> 5) * 2 ** 26 + (bits() >>> 6)) / 2 ** 53,
    integer(limit) {
      if (limit !== limited) {
        if (!Number.isInteger(limit) || limit < 1 || limit > 2 ** 32)
          throw new RangeError(`limit must be a whole number from 1 to 2^32, not ${limit}`);
        // The numbers above the last full multiple of `limit` are drawn again; kept, they would favour small remainders.
        end = 2 ** 32 - (2 ** 32 % limit);
        limited = limit;
      }
      let drawn = bits();
      while (drawn >= end) drawn = bits();
      // drawn % limit, exact below 2^53 and without the slow remainder of doubles.
      return drawn - Math.floor(drawn / limit) * limit;
    },
  };
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}
