import type { FactOf } from '../../shared/contract/facts.ts';
import type { Axis, RunFile } from '../../shared/contract/run-file.ts';

/** What a round's repeats showed; undefined where no judge was asked twice. */
export type Health = FactOf<'dataset.sealed'>['health'];

/** Quantile of the normal distribution at 0.975, as the gate's bounds. */
const BOUND = 1.96;

/**
 * How much of a difference between two checkpoints may be the judges' own noise: with s the largest spread of repeats among the judges of
 * the axis (the mean of several is no noisier than the noisiest), and n_1 … n_D compared rows in D datasets, of which each counts the same,
 *
 *   1.96 · s · √(1/n_1 + … + 1/n_D) / D
 *
 * is the half-width of the 95 % interval of the mean difference that a judge shows between two askings about the same answers. The spread of
 * repeats is one of differences already, so both checkpoints are in it. The paired bootstrap holds what of this noise is independent from
 * row to row; the band is asked for on top of it, for two evaluations lie hours apart, and what moves a judge between them moves all rows.
 * 0 for judges that say the same each time, and where nothing was repeated.
 */
export function noiseBand(
  { judges }: Pick<RunFile, 'judges'>,
  health: Health,
  axis: Axis,
  rows: readonly number[],
): number {
  if (rows.length === 0) return 0;
  const spreads = judges
    .filter((judge) => judge.axis === axis && judge.heldOut !== true)
    .map(({ name }) => health?.judges[name]?.repeats?.spread ?? 0);
  const spread = Math.max(0, ...spreads);
  return (BOUND * spread * Math.sqrt(rows.reduce((sum, n) => sum + 1 / n, 0))) / rows.length;
}
