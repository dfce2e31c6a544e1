import type { Difference, Estimate } from '../contract/facts.ts';
import type { Random } from '../contract/random.ts';

/** Scores of the rows of one dataset, at least one. The bounds depend on their order, so give them by example id. */
export interface Stratum {
  readonly dataset: string;
  readonly values: readonly number[];
}

/** Scores of the same rows under two checkpoints, paired by index. */
export interface PairedStratum {
  readonly dataset: string;
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export interface BootstrapOptions {
  /** How many means are drawn, at least one; a run's `gate.bootstrap`. */
  readonly resamples: number;
  readonly random: Random;
}

/** Mean of the datasets' means: each dataset counts the same, whatever its size (RESET paper, 2.2). */
export function macroMean(strata: readonly Stratum[]): number {
  return mean(checked(strata).map(({ values }) => mean(values)));
}

/**
 * Macro mean with its 95 % interval: 2.5th and 97.5th percentile of the resampled means, interpolated linearly. Each resample
 * draws, from every dataset by itself, as many rows as it has, with replacement (Efron and Tibshirani, 1993).
 */
export function bootstrapMean(
  strata: readonly Stratum[],
  { resamples, random }: BootstrapOptions,
): Estimate {
  const all = checked(strata);
  const means = Float64Array.from({ length: resamples }, () =>
    mean(all.map(({ values }) => resampledMean(values, random))),
  ).sort();
  return {
    n: all.reduce((rows, { values }) => rows + values.length, 0),
    mean: macroMean(all),
    lower: percentile(means, 0.025),
    upper: percentile(means, 0.975),
  };
}

/**
 * The same for the difference after − before. Rows are drawn as pairs, so what is hard for both checkpoints cancels out: a gain
 * is accepted when `lower` is above 0.
 */
export function bootstrapDifference(
  strata: readonly PairedStratum[],
  options: BootstrapOptions,
): Difference {
  const { mean, lower, upper } = bootstrapMean(strata.map(differences), options);
  return { mean, lower, upper };
}

function differences({ dataset, before, after }: PairedStratum): Stratum {
  if (before.length !== after.length)
    throw new RangeError(
      `dataset ${dataset} has ${before.length} scores before and ${after.length} after: they must be of the same rows`,
    );
  return { dataset, values: after.map((value, row) => value - (before[row] ?? Number.NaN)) };
}

function checked(strata: readonly Stratum[]): readonly Stratum[] {
  if (strata.length === 0) throw new RangeError('there is no dataset to take a mean of');
  const bad = strata.find(
    ({ values }) => values.length === 0 || !values.every((value) => Number.isFinite(value)),
  );
  if (bad !== undefined)
    throw new RangeError(
      `dataset ${bad.dataset} has ${bad.values.length === 0 ? 'no scores' : 'a score that is not a number'}`,
    );
  return strata;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function resampledMean(values: readonly number[], random: Random): number {
  let sum = 0;
  for (let draw = 0; draw < values.length; draw += 1)
    sum += values[random.integer(values.length)] ?? Number.NaN;
  return sum / values.length;
}

/** Of numbers in ascending order, at least one; between two of them interpolated linearly. `share` in [0, 1]. */
export function percentile(sorted: Float64Array, share: number): number {
  const position = share * (sorted.length - 1);
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}
