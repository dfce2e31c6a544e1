import { type Agreement, checkFinite, checkPaired } from './agreement.ts';
import { averageRanks } from './average-ranks.ts';

/**
 * Spearman's rho of two columns of scores, in [-1, 1]: Pearson's correlation of their ranks, equal scores sharing the mean of theirs, as
 * `scipy.stats.spearmanr`. Undefined where all scores of a column are equal, or there is no row. Throws RangeError for columns of unequal
 * length and for numbers that are not finite.
 */
export function spearmanRho(left: readonly number[], right: readonly number[]): Agreement {
  checkPaired(left, right);
  checkFinite(left);
  checkFinite(right);
  const n = left.length;
  const a = centredRanks(left);
  const b = centredRanks(right);
  const product = Math.sqrt(dot(a, a) * dot(b, b));
  if (product === 0) return { n, value: null };
  return { n, value: Math.max(-1, Math.min(1, dot(a, b) / product)) };
}

/** Twice the distance of each rank from the mean rank: whole numbers, so that their sums are exact. */
function centredRanks(values: readonly number[]): number[] {
  return averageRanks(values).map((rank) => 2 * rank - (values.length + 1));
}

function dot(left: readonly number[], right: readonly number[]): number {
  return left.reduce((sum, value, row) => sum + value * (right[row] ?? Number.NaN), 0);
}
