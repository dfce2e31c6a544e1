import type { Example } from '../../../shared/contract/example.ts';
import type { Select } from '../../../shared/contract/run-file.ts';
import { byId } from '../plan/subset.ts';

/** A row that may be kept, with the score of the candidate that gave it. */
export interface RankedRow {
  readonly example: Example;
  /** Null of an example whose selection is certain, which is never so where rows are ranked. */
  readonly score: number | null;
}

/**
 * Ids of the rows that `select.keep` leaves out (RESET-S): all but the highest scores of each dataset, or of all datasets together; among
 * equal scores the smaller example id stays.
 */
export function idsBelow(rows: readonly RankedRow[], keep: Select['keep']): string[] {
  if (keep === undefined) return [];
  const scored = rows.flatMap(({ example, score }) => (score === null ? [] : { example, score }));
  const ranked = scored.sort((a, b) => b.score - a.score || byId(a.example, b.example));
  const places = new Map<string, number>();
  const most = keep?.best ?? keep?.perDataset ?? Infinity;
  return ranked.flatMap(({ example }) => {
    const group = keep?.best === undefined ? example.dataset : '';
    const place = (places.get(group) ?? 0) + 1;
    places.set(group, place);
    return place > most ? [example.id] : [];
  });
}
