/**
 * What the ledger's records of one unit mean.
 *
 * U1. A queue has answered a unit when every planned item has an outcome, and each that is not final was tried in the task's present
 *     attempt. So `resume`, which raises the attempt, opens exactly the units that hold something unscored.
 *     Of a judge that was shown not to be trusted it opens all, and of one that has answered as several all that is not of one of them.
 * U2. Judges get a unit when its sampling is answered: all distinct texts that there are, and the probes of its plan.
 */
import { exampleUnit } from '../../../shared/contract/ids.ts';
import { isAskedByExample } from '../../../shared/contract/judge-options.ts';
import type { JudgeSpec, Select } from '../../../shared/contract/run-file.ts';
import type { Generation } from '../../../shared/contract/work.ts';
import type { PlannedItems } from '../ledger/merge.ts';
import type { StoredSample, StoredVerdicts, TaskRecord } from '../ledger/tables.ts';
import type { PlannedUnit } from '../plan/cut.ts';
import { probeIds } from '../plan/probes.ts';
import { isCertain } from '../selection/certain.ts';
import { textIdOf } from '../text-id.ts';

export interface UnitRecords {
  readonly planned: PlannedUnit;
  readonly sample: StoredSample | undefined;
  /** By judge; those that apply to the unit's dataset and have answered. One row for the slice, or one for each example. */
  readonly verdicts: ReadonlyMap<string, readonly StoredVerdicts[]>;
}

export type StoredVerdict = StoredVerdicts['items'][number]['verdicts'][number];

/** `waiting`: not possible yet. `open`: to be worked. */
export type QueueState = 'waiting' | 'open' | 'answered';

/** How a unit of a queue stands: of `sample`, or of a judge by its name. */
export interface UnitState {
  readonly queue: string;
  readonly unit: string;
  readonly state: QueueState;
}

/** The units of a judge that a planned unit makes: itself, or one for each of its examples. */
export function unitsAsked(
  judge: JudgeSpec,
  { unit, examples }: Pick<PlannedUnit, 'unit' | 'examples'>,
): { readonly unit: string; readonly examples: readonly string[] }[] {
  return isAskedByExample(judge)
    ? examples.map((example, at) => ({ unit: exampleUnit(unit, at), examples: [example] }))
    : [{ unit, examples }];
}

/** What was sampled of a unit. */
interface Sampled {
  readonly items: readonly {
    readonly example: string;
    readonly generations: readonly Generation[];
  }[];
}

export interface AssessOptions {
  readonly judges: readonly JudgeSpec[];
  readonly select: Select;
  readonly attempt: number;
  readonly trustedFrom?: TaskRecord['trustedFrom'];
  readonly settling?: TaskRecord['settling'];
}

/** The states of all units that a planned unit makes. */
export function assess(
  { planned, sample, verdicts }: UnitRecords,
  { judges, select, attempt, ...trust }: AssessOptions,
): UnitState[] {
  const sampled = sample !== undefined && isSampled(sample, attempt);
  return [
    { queue: 'sample', unit: planned.unit, state: sampled ? 'answered' : 'open' },
    ...judges.flatMap((judge) => {
      const stored = trustedRows(verdicts, judge, trust);
      const texts = new Map(
        (sampled ? textsAsked(judge, select, planned, sample) : []).map((item) => [
          item.example,
          item,
        ]),
      );
      return unitsAsked(judge, planned).map(({ unit, examples }): UnitState => {
        const asked = examples.flatMap((example) => texts.get(example) ?? []);
        const state = sampled ? judgeState(asked, stored, attempt) : 'waiting';
        return { queue: judge.name, unit, state };
      });
    }),
  ];
}

/** The rows of a judge's verdicts that count. */
export function trustedRows(
  verdicts: UnitRecords['verdicts'],
  { name }: JudgeSpec,
  { trustedFrom, settling }: Pick<AssessOptions, 'trustedFrom' | 'settling'>,
): StoredVerdicts[] {
  const from = trustedFrom?.[name] ?? 0;
  const settled = settling?.[name];
  return (verdicts.get(name) ?? []).filter(
    (row) =>
      row.attempt >= from &&
      (settled === undefined ||
        (row.turn ?? 0) >= settled.turn ||
        fingerprintsOf(row).every((one) => one === settled.fingerprint)),
  );
}

/** Under which fingerprints a row's verdicts were given, one for each verdict. */
export function fingerprintsOf({ items }: Pick<StoredVerdicts, 'items'>): string[] {
  return items.flatMap(({ verdicts }) => verdicts.map(({ fingerprint }) => fingerprint));
}

export function isAnswered(states: readonly UnitState[]): boolean {
  return states.every(({ state }) => state === 'answered');
}

function isSampled({ attempt: triedIn, items }: StoredSample, attempt: number): boolean {
  if (triedIn >= attempt) return true;
  return items.every(({ generations }) => generations.every(isGenerated));
}

function judgeState(
  planned: readonly PlannedItems[],
  stored: readonly StoredVerdicts[],
  attempt: number,
): QueueState {
  const known = new Set(
    stored.flatMap(({ attempt: triedIn, items }) =>
      items.flatMap(({ example, verdicts }) =>
        verdicts
          .filter((verdict) => isScored(verdict) || triedIn >= attempt)
          .map(({ text }) => `${example}/${text}`),
      ),
    ),
  );
  const answered = planned.every(({ example, keys }) =>
    keys.every((text) => known.has(`${example}/${text}`)),
  );
  return answered ? 'answered' : 'open';
}

/**
 * The texts that a judge is asked about, by example: those of its candidates, and behind them its probes. The candidates are left out where
 * a judge has an engine behind it and the selection is certain without it.
 */
export function textsAsked(
  judge: JudgeSpec,
  select: Select,
  { split, probes }: Pick<PlannedUnit, 'split' | 'probes'>,
  sample: Sampled,
): PlannedItems[] {
  if (!isAskedByExample(judge)) return textsOf(sample);
  return sample.items
    .map(({ example, generations }) => {
      const texts = isCertain(select, split, generations) ? [] : distinctTexts(generations);
      return { example, keys: [...texts, ...probeIds(judge, probes, example, texts)] };
    })
    .filter(({ keys }) => keys.length > 0);
}

/** The distinct texts of each example with texts, in grid order. */
export function textsOf({ items }: Sampled): PlannedItems[] {
  return items
    .map(({ example, generations }) => ({
      example,
      keys: distinctTexts(generations),
    }))
    .filter(({ keys }) => keys.length > 0);
}

const distinct = new WeakMap<readonly Generation[], readonly string[]>();

/** Found once: each judge's unit, and every look at the records, asks for them. */
function distinctTexts(generations: readonly Generation[]): readonly string[] {
  const known = distinct.get(generations);
  if (known !== undefined) return known;
  const ids = generations.flatMap((one) => (one.outcome === 'generated' ? [textIdOf(one)] : []));
  const texts = [...new Set(ids)];
  distinct.set(generations, texts);
  return texts;
}

export function isGenerated(generation: Generation): boolean {
  return generation.outcome === 'generated';
}

export function isScored({ answer }: StoredVerdict): boolean {
  return answer.outcome === 'scored';
}
