import type {
  Generation,
  JudgeResult,
  Result,
  SampleResult,
} from '../../../shared/contract/work.ts';
import { merge } from '../ledger/merge.ts';
import type { StoredSample, StoredVerdicts, TaskRecord } from '../ledger/tables.ts';
import type { Run } from '../run.ts';
import { plannedRequests } from './score-unit.ts';
import { isGenerated, isScored, type StoredVerdict, textsOf, type UnitRecords } from './unit.ts';

/** A result put over a unit's records, with the outcomes that were new; or why it is refused. */
export type Taken =
  | { readonly refused: string }
  | {
      readonly refused?: never;
      readonly kind: 'sample';
      readonly records: UnitRecords;
      readonly entered: readonly Generation[];
    }
  | {
      readonly refused?: never;
      readonly kind: 'judge';
      readonly judge: string;
      readonly records: UnitRecords;
      readonly entered: readonly StoredVerdict[];
    };

export function takeResult(
  run: Run,
  task: TaskRecord,
  records: UnitRecords,
  result: Result,
): Taken {
  return result.kind === 'sample'
    ? takeSample(run, task, records, result)
    : takeVerdicts(run, task, records, result);
}

function takeSample(
  { file }: Run,
  { checkpoint, ...task }: TaskRecord,
  records: UnitRecords,
  result: SampleResult,
): Taken {
  if (checkpoint === null) return { refused: `nothing is sampled in ${task.step}` };
  const { planned, sample } = records;
  const merged = merge(
    planned.examples.map((example) => ({
      example,
      keys: plannedRequests(file, { ...task, checkpoint }, planned, example).map(
        ({ candidate }) => candidate,
      ),
    })),
    (sample?.items ?? []).map(({ example, generations }) => ({
      example,
      outcomes: generations,
    })),
    result.items.map(({ example, generations }) => ({ example, outcomes: generations })),
    { keyOf: ({ candidate }) => candidate, isFinal: isGenerated },
  );
  if (merged.refused !== undefined) return merged;
  const stored: StoredSample = {
    attempt: task.attempt,
    items: merged.items.map(({ example, outcomes }) => ({ example, generations: outcomes })),
  };
  return {
    kind: 'sample',
    entered: merged.entered,
    records: { ...records, sample: stored },
  };
}

function takeVerdicts(
  run: Run,
  { attempt }: TaskRecord,
  records: UnitRecords,
  { judge, fingerprint, items }: JudgeResult,
): Taken {
  const { planned, sample, verdicts } = records;
  if (!run.judgesOf(planned).includes(judge))
    return { refused: `judge ${judge} is not asked about ${planned.dataset}` };
  if (sample === undefined) return { refused: 'its texts are not sampled yet' };
  const merged = merge(
    textsOf(sample),
    (verdicts.get(judge)?.items ?? []).map(({ example, verdicts: stored }) => ({
      example,
      outcomes: stored,
    })),
    items.map(({ example, verdicts: answered }) => ({
      example,
      outcomes: answered.map((verdict) => ({ ...verdict, fingerprint })),
    })),
    { keyOf: ({ text }) => text, isFinal: isScored },
  );
  if (merged.refused !== undefined) return merged;
  const stored: StoredVerdicts = {
    attempt,
    items: merged.items.map(({ example, outcomes }) => ({ example, verdicts: outcomes })),
  };
  return {
    kind: 'judge',
    judge,
    entered: merged.entered,
    records: { ...records, verdicts: new Map([...verdicts, [judge, stored]]) },
  };
}
