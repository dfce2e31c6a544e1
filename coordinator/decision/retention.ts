import type { Fact } from '../../shared/contract/facts.ts';
import { releasedIn } from '../../shared/contract/released.ts';
import { bestRound } from './best.ts';
import { incumbentOf, runFileOf } from './journal.ts';

/**
 * The checkpoints of decided rounds that no later step needs, in the order in which they were published; none unless `checkpoints.keep` is
 * `needed`. Kept are the incumbent, the best so far, what each of them was trained from, and all of the start: rounds are compared with it and
 * may begin at any of its stages. Call it behind a decision: before, the round in hand would look decided.
 */
export function releasable(journal: readonly Fact[]): string[] {
  if (runFileOf(journal).checkpoints?.keep !== 'needed') return [];
  const published = journal.filter((fact) => fact.fact === 'checkpoint.published');
  const starts = published.filter(({ step }) => step.startsWith('start-'));
  const ahead = [incumbentOf(journal)?.checkpoint, bestRound(journal)?.checkpoint];
  const kept = new Set([
    ...starts.map(({ checkpoint }) => checkpoint),
    ...ahead,
    ...published.filter(({ checkpoint }) => ahead.includes(checkpoint)).map(({ parent }) => parent),
    ...releasedIn(journal).keys(),
  ]);
  return [...new Set(published.map(({ checkpoint }) => checkpoint))].filter(
    (checkpoint) => !kept.has(checkpoint),
  );
}
