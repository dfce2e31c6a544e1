/** Counter-based random numbers: a value is a function of its key alone, so nothing depends on what was drawn before. */

/** Mixes integers into 32 uniform bits (the finaliser of MurmurHash3, applied once per part). */
export function mix(...parts: readonly number[]): number {
  let h = 0x9e3779b9;
  for (const part of parts) {
    h = Math.imul(h ^ (part | 0), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
    h = (h + 0x7f4a7c15) | 0;
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Uniform in [0, 1) with 53 bits. */
export function uniform(...key: readonly number[]): number {
  const high = mix(...key, 1) >>> 5;
  const low = mix(...key, 2) >>> 6;
  return (high * 67_108_864 + low) / 9_007_199_254_740_992;
}

/** Standard normal (Box–Muller). */
export function normal(...key: readonly number[]): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform(...key, 3)));
  return radius * Math.cos(2 * Math.PI * uniform(...key, 4));
}

/** The numbers 0 to `count` − 1 in an order drawn by `key` (Fisher–Yates). */
export function permutation(count: number, ...key: readonly number[]): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(uniform(...key, i) * (i + 1));
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  return order;
}
