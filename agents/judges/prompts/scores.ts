/** A score from 1 to 5 on [0, 1]. */
export function unitValue(score: number): number {
  return (score - 1) / 4;
}

/** The weights must not all be 0, which the options refuse. */
export function weightedMean(
  values: readonly { readonly value: number; readonly weight: number }[],
): number {
  const total = values.reduce((sum, { weight }) => sum + weight, 0);
  return values.reduce((sum, { value, weight }) => sum + value * weight, 0) / total;
}
