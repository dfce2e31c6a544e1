/**
 * What the ledger's records of one unit mean.
 *
 * U1. A queue has answered a unit when every planned item has an outcome, and each that is not final was tried in the task's present
 *     attempt. So `resume`, which raises the attempt, opens exactly the units that hold something unscored.
 * U2. Judges get a unit when its sampling is answered: all distinct texts that there are.
 */
import type { Generation } from '../../../shared/contract/work.ts';
import type { PlannedItems } from '../ledger/merge.ts';
import type { StoredSample, StoredVerdicts } from '../ledger/tables.ts';
import type { PlannedUnit } from '../plan/cut.ts';
import { textIdOf } from '../text-id.ts';

export interface UnitRecords {
  readonly planned: PlannedUnit;
  readonly sample: StoredSample | undefined;
  /** By judge; those that apply to the unit's dataset and have answered. */
  readonly verdicts: ReadonlyMap<string, StoredVerdicts>;
}

export type StoredVerdict = StoredVerdicts['items'][number]['verdicts'][number];

/** `waiting`: not possible yet. `open`: to be worked. */
export type QueueState = 'waiting' | 'open' | 'answered';

/** The state of a unit in each of its queues, by `sample` and judges' names. */
export function assess(
  { sample, verdicts }: UnitRecords,
  judges: readonly string[],
  attempt: number,
): ReadonlyMap<string, QueueState> {
  const sampled = sample !== undefined && isSampled(sample, attempt);
  const states = new Map<string, QueueState>([['sample', sampled ? 'answered' : 'open']]);
  const planned = sampled ? textsOf(sample) : [];
  for (const judge of judges)
    states.set(judge, sampled ? judgeState(planned, verdicts.get(judge), attempt) : 'waiting');
  return states;
}

function isSampled({ attempt: triedIn, items }: StoredSample, attempt: number): boolean {
  if (triedIn >= attempt) return true;
  return items.every(({ generations }) => generations.every(isGenerated));
}

function judgeState(
  planned: readonly PlannedItems[],
  stored: StoredVerdicts | undefined,
  attempt: number,
): QueueState {
  if (planned.length === 0) return 'answered';
  if (stored === undefined) return 'open';
  const known = new Map(
    stored.items.map(({ example, verdicts }) => [
      example,
      new Map(verdicts.map((verdict) => [verdict.text, verdict])),
    ]),
  );
  const verdicts = planned.flatMap(({ example, keys }) =>
    keys.map((text) => known.get(example)?.get(text)),
  );
  const done = (verdict: StoredVerdict | undefined): boolean =>
    verdict !== undefined && (isScored(verdict) || stored.attempt >= attempt);
  return verdicts.every(done) ? 'answered' : 'open';
}

/** The distinct texts of each example that has any, in grid order: what a judge is asked about. */
export function textsOf({ items }: StoredSample): PlannedItems[] {
  return items
    .map(({ example, generations }) => ({
      example,
      keys: [
        ...new Set(
          generations.flatMap((one) => (one.outcome === 'generated' ? [textIdOf(one)] : [])),
        ),
      ],
    }))
    .filter(({ keys }) => keys.length > 0);
}

export function isGenerated(generation: Generation): boolean {
  return generation.outcome === 'generated';
}

export function isScored({ answer }: StoredVerdict): boolean {
  return answer.outcome === 'scored';
}
