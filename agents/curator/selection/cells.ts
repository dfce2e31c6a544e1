/** What each decoding setting gave: counts for the fact `dataset.sealed`, from which the grid can be judged and changed. */
import type { FactOf } from '../../../shared/contract/facts.ts';
import type { Sampling } from '../../../shared/contract/run-file.ts';
import { cellNames } from '../plan/grid.ts';
import type { ScoredCandidate } from './score.ts';

/** Counts by cell. */
export type Cells = FactOf<'dataset.sealed'>['cells'];

/**
 * The cells of one example, of all its planned candidates and the text that was kept. A candidate of several cells counts for each, and
 * every candidate with the kept text has won: equal texts have equal verdicts, and crediting the first of them alone would count the
 * order of the grid.
 */
export function countCells(
  candidates: readonly Pick<ScoredCandidate, 'cells' | 'text'>[],
  kept: string | null,
): Cells {
  const cells: Cells = {};
  const texts = new Map<string, Set<string>>();
  for (const { cells: names, text } of candidates)
    for (const name of names) {
      const count = (cells[name] ??= { candidates: 0, texts: 0, own: 0, wins: 0 });
      count.candidates += 1;
      if (text === null) continue;
      if (text === kept) count.wins += 1;
      const known = texts.get(name) ?? new Set<string>();
      texts.set(name, known.add(text));
    }
  const givers = new Map<string, number>();
  for (const given of texts.values())
    for (const text of given) givers.set(text, (givers.get(text) ?? 0) + 1);
  for (const [name, count] of Object.entries(cells)) {
    const given = [...(texts.get(name) ?? [])];
    count.texts = given.length;
    count.own = given.filter((text) => givers.get(text) === 1).length;
  }
  return cells;
}

/** Sums over examples, in grid order; cells that nothing was sampled in are left out. */
export function sumCells(sampling: Sampling, examples: Iterable<Cells>): Cells {
  const sums: Cells = Object.fromEntries(
    cellNames(sampling).map((name) => [name, { candidates: 0, texts: 0, own: 0, wins: 0 }]),
  );
  for (const cells of examples)
    for (const [name, count] of Object.entries(cells)) {
      const sum = (sums[name] ??= { candidates: 0, texts: 0, own: 0, wins: 0 });
      sum.candidates += count.candidates;
      sum.texts += count.texts;
      sum.own += count.own;
      sum.wins += count.wins;
    }
  return Object.fromEntries(Object.entries(sums).filter(([, { candidates }]) => candidates > 0));
}
