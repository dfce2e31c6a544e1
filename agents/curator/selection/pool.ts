/**
 * The rows of several rounds as one dataset (`rounds.data: pooled`).
 *
 * P1. Of rows with the same prompt and completion the one of the earliest round stays.
 * P2. Rows of round 1 keep the ids of their examples; later ones have `-r<round>` behind it, for an example may come again.
 */
import type { TrainingRow } from '../../../shared/contract/training.ts';
import { byExample } from '../plan/subset.ts';
import type { Curation } from './balance.ts';
import { addTo } from './score.ts';

/** A round's curation, to which the rows of earlier rounds were added. */
export interface PooledCuration extends Curation {
  /** How many of `rows` are of earlier rounds. */
  readonly earlier: number;
}

/** Adds a round to the rounds before it, from round 1 on. The counts are those of the round added. */
export function poolRounds(earlier: readonly Curation[], last: Curation): PooledCuration {
  const contents = new Set<string>();
  const rows: TrainingRow[] = [];
  const add = ({ rows: own }: Curation, index: number): TrainingRow[] => {
    const repeated: TrainingRow[] = [];
    for (const row of own) {
      const content = JSON.stringify(row.turns);
      if (contents.has(content)) repeated.push(row);
      else rows.push(index === 0 ? row : { ...row, id: `${row.id}-r${index + 1}` });
      contents.add(content);
    }
    return repeated;
  };
  for (const [index, round] of earlier.entries()) add(round, index);
  const before = rows.length;
  const byDataset = structuredClone(last.byDataset);
  for (const { dataset } of add(last, earlier.length)) {
    const count = byDataset[dataset];
    if (count === undefined) continue;
    count.kept -= 1;
    addTo(count.excluded, 'in an earlier round');
  }
  return { ...last, byDataset, rows: rows.sort(byExample), earlier: before };
}
