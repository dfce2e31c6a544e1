/** The chance that a positive has the larger value than a negative, ties counted half (Mann and Whitney, 1947). */
export function auroc(positives: readonly number[], negatives: readonly number[]): number {
  const ranks = ranksOf([...positives, ...negatives]);
  const sum = ranks.slice(0, positives.length).reduce((total, rank) => total + rank, 0);
  const least = (positives.length * (positives.length - 1)) / 2;
  return (sum - least) / (positives.length * negatives.length);
}

/** Spearman's rank correlation; ties have their mean rank. */
export function spearman(left: readonly number[], right: readonly number[]): number {
  const [a, b] = [centred(ranksOf(left)), centred(ranksOf(right))];
  return product(a, b) / Math.sqrt(product(a, a) * product(b, b));
}

/** Ranks from 0. */
function ranksOf(values: readonly number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  const places = new Map<number, { first: number; last: number }>();
  for (const [place, value] of sorted.entries())
    places.set(value, { first: places.get(value)?.first ?? place, last: place });
  return values.map((value) => {
    const { first, last } = places.get(value) ?? { first: Number.NaN, last: Number.NaN };
    return (first + last) / 2;
  });
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function centred(values: readonly number[]): number[] {
  const middle = mean(values);
  return values.map((value) => value - middle);
}

function product(left: readonly number[], right: readonly number[]): number {
  return left.reduce((sum, value, at) => sum + value * (right[at] ?? Number.NaN), 0);
}
