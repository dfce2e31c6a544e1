import { type Agreement, checkFinite } from './agreement.ts';
import { averageRanks } from './average-ranks.ts';

/** What the values mean: names, an order, or points of a scale with equal steps. */
export type AlphaLevel = 'nominal' | 'ordinal' | 'interval';

/**
 * Krippendorff's alpha of any number of judges (Krippendorff, 2011, "Computing Krippendorff's Alpha-Reliability"), at most 1; 0 is what
 * chance gives. Each row holds what the judges gave it, null where one gave nothing. A row with fewer than two values has nothing to agree
 * on and is not counted in `n`. Undefined where all values that count are equal, or none counts. Throws RangeError for numbers that are not
 * finite.
 */
export function krippendorffAlpha(
  rows: readonly (readonly (number | null)[])[],
  level: AlphaLevel,
): Agreement {
  const given = rows.map((row) => row.filter((value) => value !== null));
  checkFinite(given.flat());
  const paired = onScale(
    given.filter((values) => values.length > 1),
    level,
  );
  const apart = level === 'nominal' ? differs : squaredDistance;
  const all = paired.flat();
  const observed = paired.reduce(
    (sum, values) => sum + disagreement(values, apart) / (values.length - 1),
    0,
  );
  const expected = disagreement(all, apart) / (all.length - 1);
  return { n: paired.length, value: expected > 0 ? 1 - observed / expected : null };
}

/**
 * The ordinal difference of Krippendorff, the squared count of the values from one to the other with these two counted half, is the squared
 * distance of their average ranks.
 */
function onScale(rows: readonly number[][], level: AlphaLevel): readonly number[][] {
  if (level !== 'ordinal') return rows;
  const all = rows.flat();
  const ranks = averageRanks(all);
  const rankOf = new Map(all.map((value, at) => [value, ranks[at] ?? Number.NaN]));
  return rows.map((values) => values.map((value) => rankOf.get(value) ?? Number.NaN));
}

function differs(left: number, right: number): number {
  return left === right ? 0 : 1;
}

function squaredDistance(left: number, right: number): number {
  return (left - right) ** 2;
}

/** The sum over all ordered pairs of values. Equal ones are counted together. */
function disagreement(
  values: readonly number[],
  apart: (left: number, right: number) => number,
): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let sum = 0;
  for (const [left, ofLeft] of counts)
    for (const [right, ofRight] of counts) sum += apart(left, right) * ofLeft * ofRight;
  return sum;
}
