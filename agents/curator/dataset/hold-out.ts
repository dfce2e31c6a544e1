import { randomFrom } from '../../../shared/contract/random.ts';
import type { PlacedExample } from './leak.ts';

/** Share of a dataset's train rows that becomes its dev part where the run file names none. */
export const HELD_OUT_SHARE = 0.05;

/**
 * The groups of train rows (rows of one context stay together) to hold out as dev: seeded, as many as reach 5 % of the rows, at
 * least one; undefined where all rows are of one group.
 */
export function drawHeldOut(
  dataset: string,
  train: readonly PlacedExample[],
  seed: number,
): ReadonlySet<string> | undefined {
  const sizes = new Map<string, number>();
  for (const { group } of train) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  if (sizes.size < 2) return undefined;
  const groups = Array.from(sizes.keys(), (group) => ({
    group,
    rank: randomFrom(seed, 'hold-out', dataset, group).next(),
  })).sort((a, b) => a.rank - b.rank || (a.group < b.group ? -1 : 1));
  const heldOut = new Set<string>();
  let rows = 0;
  for (const { group } of groups.slice(0, -1)) {
    if (rows >= HELD_OUT_SHARE * train.length) break;
    heldOut.add(group);
    rows += sizes.get(group) ?? 0;
  }
  return heldOut;
}
