import { type Random, randomFrom } from '../../../shared/contract/random.ts';

/** The train examples of one dataset in one round. */
export interface Subset<TRow> {
  readonly dataset: string;
  /** Ordered by id. */
  readonly examples: readonly TRow[];
  /** Rows that `perRound` asked for and the dataset does not have. */
  readonly missing: number;
}

/**
 * Draws `perRound` examples of one dataset, without replacement within the round and independently of other rounds: a row may
 * come back in a later round, so rounds never run out of data. Without `perRound`, or with fewer rows than that, all are taken. A row's id is enough, for the draw reads nothing else.
 */
export function drawSubset<TRow extends { readonly id: string }>(
  dataset: { readonly name: string; readonly perRound?: number | undefined },
  train: readonly TRow[],
  seed: number,
  round: number,
): Subset<TRow> {
  const rows = [...train].sort(byId);
  const count = Math.min(dataset.perRound ?? rows.length, rows.length);
  return {
    dataset: dataset.name,
    examples: drawSome(rows, count, randomFrom(seed, 'subset', round, dataset.name)).sort(byId),
    missing: Math.max(0, (dataset.perRound ?? 0) - count),
  };
}

/** `count` of the items (all, where there are no more), without replacement, in the order drawn. */
export function drawSome<TItem>(items: readonly TItem[], count: number, random: Random): TItem[] {
  const left = [...items];
  const drawn: TItem[] = [];
  while (drawn.length < count && left.length > 0) {
    // The last item takes the place of the drawn one.
    drawn.push(...left.splice(random.integer(left.length), 1, ...left.slice(-1)));
    left.pop();
  }
  return drawn;
}

/** By id, by code units, so that it is the same on every machine. */
export function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}

/** Order of a step's examples: by dataset, then by id. */
export function byExample(
  a: { readonly dataset: string; readonly id: string },
  b: { readonly dataset: string; readonly id: string },
): number {
  if (a.dataset === b.dataset) return byId(a, b);
  return a.dataset < b.dataset ? -1 : 1;
}
