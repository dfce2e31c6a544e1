import { percentile, type BootstrapOptions } from './bootstrap.ts';

export interface StatisticInterval {
  readonly n: number;
  /** Of the rows themselves; null where the statistic is undefined, and so are then the bounds. */
  readonly value: number | null;
  readonly lower: number | null;
  readonly upper: number | null;
  /** In how many of the resamples the statistic was defined: the bounds are those of these. */
  readonly defined: number;
}

/**
 * A statistic over rows with its 95 % interval: 2.5th and 97.5th percentile over resamples, each of as many rows as there are, drawn with
 * replacement (Efron and Tibshirani, 1993). A row holds all that belongs together, such as the ratings of both judges, and is drawn
 * whole. `statistic` gives null where it is undefined, as a kappa of one label is. The bounds depend on the order of the rows, so give them by id.
 */
export function bootstrapStatistic<TRow>(
  rows: readonly TRow[],
  statistic: (rows: readonly TRow[]) => number | null,
  { resamples, random }: BootstrapOptions,
): StatisticInterval {
  const n = rows.length;
  const value = n === 0 ? null : statistic(rows);
  if (value === null) return { n, value, lower: null, upper: null, defined: 0 };
  const drawn: number[] = [];
  for (let resample = 0; resample < resamples; resample += 1) {
    // Every index that is drawn is below n, so no row is undefined.
    const one = statistic(Array.from(rows, () => rows[random.integer(n)]) as TRow[]);
    if (one !== null) drawn.push(one);
  }
  const defined = drawn.length;
  if (defined === 0) return { n, value, lower: null, upper: null, defined };
  const sorted = Float64Array.from(drawn).sort();
  return { n, value, lower: percentile(sorted, 0.025), upper: percentile(sorted, 0.975), defined };
}
