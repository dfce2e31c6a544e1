import { sha256 } from '../../../shared/contract/ids.ts';
import { randomFrom } from '../../../shared/contract/random.ts';

/** A stream of pseudo-random draws; equal seeds give equal streams on every machine. */
export interface Draws {
  /** Uniform in [0, 1). */
  next(): number;
  /** A whole number in [from, to], both ends included. */
  integer(from: number, to: number): number;
  /** True with probability `p`. */
  chance(p: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** `count` different items, all of them unless said otherwise, in random order. */
  sample<T>(items: readonly T[], count?: number): T[];
}

/** The stream for one purpose, such as one file. */
export function drawsFor(seed: number, purpose: string): Draws {
  const random = randomFrom(seed, 'world', purpose);
  return {
    next: () => random.next(),
    integer: (from, to) => from + random.integer(to - from + 1),
    chance: (p) => random.next() < p,
    pick: (items) => items[random.integer(items.length)] as (typeof items)[number],
    sample: (items, count = items.length) => {
      const rest = [...items];
      return Array.from({ length: Math.min(count, items.length) }).flatMap(() =>
        rest.splice(random.integer(rest.length), 1),
      );
    },
  };
}

/** Where `key` falls in [0, 1), whatever was drawn before: held-out parts and splits are cut by it. */
export function placeOf(seed: number, key: string): number {
  // A plain hash, for this is asked of every fact that is drawn.
  return Number.parseInt(sha256(`${seed}/${key}`).slice(0, 13), 16) / 2 ** 52;
}
