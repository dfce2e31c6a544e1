/** 97.5th percentile of the standard normal distribution. */
const Z = 1.959963984540054;

/**
 * 95 % interval [lower, upper] in [0, 1] of the share that `hits` of `n` say of (Wilson, 1927, without correction for continuity); null where n
 * is 0. Unlike the normal approximation it holds for few trials and for shares of 0 and 1.
 */
export function wilsonInterval(hits: number, n: number): readonly [number, number] | null {
  if (n === 0) return null;
  const share = hits / n;
  const spread = Z * Math.sqrt((share * (1 - share)) / n + Z ** 2 / (4 * n ** 2));
  const middle = share + Z ** 2 / (2 * n);
  const scale = 1 + Z ** 2 / n;
  return [Math.max(0, (middle - spread) / scale), Math.min(1, (middle + spread) / scale)];
}
