import type {
  Generation,
  JudgeResult,
  Result,
  SampleResult,
} from '../../../shared/contract/work.ts';
import { noUsage, type Usage } from '../../../shared/contract/judging.ts';
import type { Write } from '../../../shared/store/store.ts';
import { merge } from '../ledger/merge.ts';
import {
  put,
  type StoredSample,
  type StoredVerdicts,
  tables,
  type TaskRecord,
} from '../ledger/tables.ts';
import type { Run } from '../run.ts';
import { paidFor } from './judging.ts';
import { plannedCandidates } from './score-unit.ts';
import {
  isGenerated,
  isScored,
  type StoredVerdict,
  textsAsked,
  trustedRows,
  type UnitRecords,
  unitsAsked,
} from './unit.ts';

interface Entered<TOutcome> {
  readonly refused?: never;
  /** The unit's records with the result in them, and the row that changes. */
  readonly records: UnitRecords;
  readonly write: Write;
  /** The outcomes that were new. */
  readonly entered: readonly TOutcome[];
}

/** A result put over a unit's records; or why it is refused. */
export type Taken =
  | { readonly refused: string }
  | ({ readonly kind: 'sample' } & Entered<Generation>)
  | ({ readonly kind: 'judge'; readonly judge: string } & Entered<StoredVerdict>);

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
  { name, file }: Run,
  { checkpoint, ...task }: TaskRecord,
  records: UnitRecords,
  result: SampleResult,
): Taken {
  if (checkpoint === null) return { refused: `nothing is sampled in ${task.step}` };
  const { planned, sample } = records;
  const merged = merge(
    planned.examples.map((example) => ({
      example,
      keys: plannedCandidates(file, { ...task, checkpoint }, planned, example).map(
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
    write: put(tables.sample, `${name}/${planned.unit}`, stored),
  };
}

function takeVerdicts(
  run: Run,
  { attempt, trustedFrom, settling }: TaskRecord,
  records: UnitRecords,
  { unit, judge: name, fingerprint, items }: JudgeResult,
): Taken {
  const { planned, sample, verdicts } = records;
  const judge = run.judgesOf(planned).find((one) => one.name === name);
  if (judge === undefined)
    return { refused: `judge ${name} is not asked about ${planned.dataset}` };
  const asked = unitsAsked(judge, planned).find((one) => one.unit === unit);
  if (asked === undefined) return { refused: `judge ${name} is not asked about it in this slice` };
  if (sample === undefined) return { refused: 'its texts are not sampled yet' };
  const isOwn = ({ example }: { example: string }): boolean => asked.examples.includes(example);
  const turn = settling?.[name]?.turn;
  const rows = verdicts.get(name) ?? [];
  const isOwnRow = (row: StoredVerdicts): boolean => row.items.every(isOwn);
  const own = trustedRows(verdicts, judge, { trustedFrom, settling }).filter(isOwnRow);
  const spent = spentBefore(rows, { attempt, turn: turn ?? 0 });
  const merged = merge(
    textsAsked(judge, run.file.select, planned, sample).filter(isOwn),
    own.flatMap((row) =>
      row.items.map(({ example, verdicts: stored }) => ({ example, outcomes: stored })),
    ),
    items.map(({ example, verdicts: answered }) => ({
      example,
      outcomes: answered.map((verdict): StoredVerdict => {
        const superseded = spent.get(`${example}/${verdict.text}`);
        return { ...verdict, fingerprint, ...(superseded === undefined ? {} : { superseded }) };
      }),
    })),
    { keyOf: ({ text }) => text, isFinal: isScored },
  );
  if (merged.refused !== undefined) return merged;
  const stored: StoredVerdicts = {
    attempt,
    ...(turn === undefined ? {} : { turn }),
    items: merged.items.map(({ example, outcomes }) => ({ example, verdicts: outcomes })),
  };
  return {
    kind: 'judge',
    judge: name,
    entered: merged.entered,
    records: {
      ...records,
      verdicts: new Map([...verdicts, [name, [...rows.filter((row) => !isOwnRow(row)), stored]]]),
    },
    write: put(tables.verdict, `${run.name}/${name}/${unit}`, stored),
  };
}

/**
 * What was paid for verdicts that were asked for again, by a resume or in another turn, by example and text: the ones that take their places
 * carry it on, so that nothing paid is forgotten. A second answer of the same attempt and turn is one that was delivered twice, and counts once.
 */
function spentBefore(
  rows: readonly StoredVerdicts[],
  { attempt, turn }: { attempt: number; turn: number },
): Map<string, Usage> {
  const spent = new Map<string, Usage>();
  for (const { attempt: triedIn, turn: tried = 0, items } of rows)
    for (const { example, verdicts } of items)
      for (const verdict of verdicts) {
        const isOlder = triedIn < attempt || tried < turn;
        const paid = isOlder ? paidFor(verdict) : (verdict.superseded ?? noUsage);
        if (paid.calls > 0) spent.set(`${example}/${verdict.text}`, paid);
      }
  return spent;
}
