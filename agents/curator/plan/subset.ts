import type { Example } from '../../../shared/contract/example.ts';
import { randomFrom } from '../../../shared/contract/random.ts';

/** The train examples of one dataset in one round. */
export interface Subset {
  readonly dataset: string;
  /** Ordered by id. */
  readonly examples: readonly Example[];
  /** Rows that `perRound` asked for and the dataset does not have. */
  readonly missing: number;
}

/**
 * Draws `perRound` examples of one dataset, without replacement within the round and independently of other rounds: a row may
 * come back in a later round, so rounds never run out of data. Without `perRound`, or with fewer rows than that, all are taken.
 */
export function drawSubset(
  dataset: { readonly name: string; readonly perRound?: number | undefined },
  train: readonly Example[],
  seed: number,
  round: number,
): Subset {
  const rows = [...train].sort(byId);
  const count = Math.min(dataset.perRound ?? rows.length, rows.length);
  const random = randomFrom(seed, 'subset', round, dataset.name);
  // The first `count` places of a Fisher-Yates shuffle.
  for (let place = 0; place < count; place += 1) {
    const other = place + random.integer(rows.length - place);
    const [one, two] = [rows[place], rows[other]];
    if (one === undefined || two === undefined) throw new RangeError('drew outside the rows');
    rows[place] = two;
    rows[other] = one;
  }
  return {
    dataset: dataset.name,
    examples: rows.slice(0, count).sort(byId),
    missing: Math.max(0, (dataset.perRound ?? 0) - count),
  };
}

/** Order of examples by id, by code units, so that it is the same on every machine. */
export function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}
