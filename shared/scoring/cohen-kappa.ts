import { type Agreement, checkFinite, checkPaired } from './agreement.ts';

/** How much a disagreement weighs, by the distance d of the labels' ranks: 1 (unweighted), d or d². */
export type KappaWeights = 'unweighted' | 'linear' | 'quadratic';

const weightings: Readonly<Record<KappaWeights, (distance: number) => number>> = {
  unweighted: (distance) => (distance === 0 ? 0 : 1),
  linear: (distance) => distance,
  quadratic: (distance) => distance * distance,
};

/**
 * Cohen's kappa of two judges' labels of the same rows (Cohen, 1960 and 1968), at most 1; 0 is what chance gives. Ranks are those among
 * the labels present, as in scikit-learn: of 1, 5 and 10 the neighbours are equally far apart. Undefined where chance alone would agree:
 * both judges give every row one and the same label, or there is no row. Throws RangeError for columns of unequal length and for numbers that are not finite.
 *
 * Counts are whole numbers and divided once, so the value is the double nearest to the exact one.
 */
export function cohenKappa<TLabel extends number | string>(
  left: readonly TLabel[],
  right: readonly TLabel[],
  weights: KappaWeights,
): Agreement {
  checkPaired(left, right);
  checkFinite(left);
  checkFinite(right);
  const n = left.length;
  const weigh = weightings[weights];
  const ranks = rankOf([...left, ...right]);
  const leftRanks = left.map((label) => ranks.get(label) ?? Number.NaN);
  const rightRanks = right.map((label) => ranks.get(label) ?? Number.NaN);
  const observed = leftRanks.reduce(
    (sum, rank, row) => sum + weigh(Math.abs(rank - (rightRanks[row] ?? Number.NaN))),
    0,
  );
  const leftCounts = counts(leftRanks, ranks.size);
  const rightCounts = counts(rightRanks, ranks.size);
  let expected = 0;
  for (const [a, ofLeft] of leftCounts.entries())
    for (const [b, ofRight] of rightCounts.entries())
      expected += weigh(Math.abs(a - b)) * ofLeft * ofRight;
  return { n, value: expected === 0 ? null : (expected - n * observed) / expected };
}

function rankOf<TLabel extends number | string>(labels: readonly TLabel[]): Map<TLabel, number> {
  const ordered = [...new Set(labels)].sort((a, b) => (a < b ? -1 : 1));
  return new Map(ordered.map((label, rank) => [label, rank]));
}

function counts(ranks: readonly number[], labels: number): number[] {
  const found = Array<number>(labels).fill(0);
  for (const rank of ranks) found[rank] = (found[rank] ?? 0) + 1;
  return found;
}
