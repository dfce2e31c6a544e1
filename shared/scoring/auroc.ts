import { type Agreement, checkFinite, checkPaired } from './agreement.ts';
import { averageRanks } from './average-ranks.ts';

/**
 * Area under the ROC curve, in [0, 1]: how probably a positive row has a higher score than a negative one, equal scores counting half
 * (Hanley and McNeil, 1982), as scikit-learn's `roc_auc_score`. Undefined where all rows are positive or all are negative. Throws
 * RangeError for columns of unequal length and for scores that are not finite.
 */
export function auroc(scores: readonly number[], positive: readonly boolean[]): Agreement {
  checkPaired(scores, positive);
  checkFinite(scores);
  const n = scores.length;
  const positives = positive.filter(Boolean).length;
  const pairs = positives * (n - positives);
  if (pairs === 0) return { n, value: null };
  const ranks = averageRanks(scores);
  const rankSum = ranks.reduce((sum, rank, row) => (positive[row] === true ? sum + rank : sum), 0);
  return { n, value: (rankSum - (positives * (positives + 1)) / 2) / pairs };
}
