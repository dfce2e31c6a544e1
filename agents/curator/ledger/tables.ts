import { z } from 'zod';
import { Example } from '../../../shared/contract/example.ts';
import { Fact } from '../../../shared/contract/facts.ts';
import { PermanentError } from '../../../shared/contract/failure.ts';
import { Digest, Id, ShortDigest, Split, Step, UnitId } from '../../../shared/contract/ids.ts';
import { RunFile } from '../../../shared/contract/run-file.ts';
import { CurateOutcome, EvaluateOutcome, EvaluationValue } from '../../../shared/contract/steps.ts';
import { Usage } from '../../../shared/contract/judging.ts';
import { RunTruncation, Shortened } from '../../../shared/contract/truncation.ts';
import { Generation, Verdict } from '../../../shared/contract/work.ts';
import type { Store, Write } from '../../../shared/store/store.ts';
import type { PlannedUnit } from '../plan/cut.ts';

/** What the curator is asked to do for a step: each is planned, worked and concluded by itself. */
export const Task = z.enum(['curate', 'evaluate']);
export type Task = z.infer<typeof Task>;

export const RunRecord = z.strictObject({
  file: RunFile,
  digest: Digest,
  truncation: RunTruncation.optional(),
});
export type RunRecord = z.infer<typeof RunRecord>;

/** A task that was started: its plan is complete. `outcome` is null until it has ended. */
export const TaskRecord = z.strictObject({
  run: Id,
  step: Step,
  task: Task,
  /** Sampled by this checkpoint; null where nothing is sampled (a stage of the start). */
  checkpoint: Digest.nullable(),
  attempt: z.int().nonnegative(),
  /** What the grid of this task is shared out by, part of its plan; null for the grid as the run file has it. */
  winRates: z.record(z.string(), z.number()).nullable(),
  /** By judge, the attempt from which on its verdicts count: those before were shown not to be trusted, or are of an older score epoch. */
  trustedFrom: z.record(Id, z.int()).optional(),
  /** By judge that has answered as several: whose answers stay, and in which turn the others are asked for again. */
  settling: z
    .record(Id, z.strictObject({ fingerprint: Digest, turn: z.int().positive() }))
    .optional(),
  outcome: z.union([CurateOutcome, EvaluateOutcome]).nullable(),
});
export type TaskRecord = z.infer<typeof TaskRecord>;

/** As `PlannedUnit` of the plan. */
const Planned = z.strictObject({
  unit: UnitId,
  split: Split,
  dataset: Id,
  examples: z.array(ShortDigest).min(1),
  probes: z
    .record(
      Id,
      z.strictObject({
        canaries: z.array(ShortDigest),
        repeats: z.array(ShortDigest),
        anchors: z.record(ShortDigest, z.string()).optional(),
      }),
    )
    .optional(),
});

/** Generations of a unit, in the order of its plan. `attempt` is the task's when the last of them came. */
export const StoredSample = z.strictObject({
  attempt: z.int(),
  items: z.array(z.strictObject({ example: ShortDigest, generations: z.array(Generation) })),
});
export type StoredSample = z.infer<typeof StoredSample>;

/** One judge's verdicts on a unit's distinct texts, in the order of its plan. */
export const StoredVerdicts = z.strictObject({
  attempt: z.int(),
  /** Of settling a judge that has answered as several; not there before. */
  turn: z.int().positive().optional(),
  items: z.array(
    z.strictObject({
      example: ShortDigest,
      verdicts: z.array(
        Verdict.extend({
          fingerprint: Digest,
          /** What the unscored verdicts had cost that this one took the place of after a resume. */
          superseded: Usage.optional(),
        }),
      ),
    }),
  ),
});
export type StoredVerdicts = z.infer<typeof StoredVerdicts>;

/** As `Selection`, with the unit whose answers it was made from. */
export const StoredSelection = z.strictObject({
  unit: UnitId,
  candidate: ShortDigest.nullable(),
  text: z.string().nullable(),
  excluded: z
    .enum(['no scored candidate', 'below minScore', 'below minMargin', 'blank answer'])
    .nullable(),
  score: z.number().nullable(),
  margin: z.number().nullable(),
  tied: z.int().nonnegative(),
  reason: z.string(),
});
export type StoredSelection = z.infer<typeof StoredSelection>;

/** A flat table of the ledger: how its keys are made is said at each. */
export interface Table<TValue> {
  readonly name: string;
  readonly schema: z.ZodType<TValue>;
}

function table<TValue>(name: string, schema: z.ZodType<TValue>): Table<TValue> {
  return { name, schema };
}

export const tables = {
  /** `id` */
  ledger: table('ledger', Digest),
  /** `<run>` */
  run: table('run', RunRecord),
  /** `<run>/<position, 8 digits>` */
  journal: table('journal', Fact),
  /** As journal: milliseconds since 1970 when the fact was appended. Beside the journal, because facts hold no clock. */
  clock: table('clock', z.int()),
  /** `<run>/<example>` */
  example: table('example', Example),
  /** `<run>/<example>`: of those whose context, in `example`, is not the whole of their row's, or that are in no part. */
  shortened: table('shortened', Shortened),
  /** `<run>/<dataset>/<split>`: the examples of a part, in the order of their ids. */
  part: table('part', z.array(ShortDigest)),
  /** `<run>/<step>/<task>` */
  task: table('task', TaskRecord),
  /** `<run>/<step>/<split>/<unit>` */
  plan: table<PlannedUnit>('plan', Planned),
  /** `<run>/<unit>` */
  sample: table('sample', StoredSample),
  /** `<run>/<judge>/<unit>` */
  verdict: table('verdict', StoredVerdicts),
  /** `<run>/<step>/<example>` */
  selection: table('selection', StoredSelection),
  /** `<run>/<step>/<dataset>`: dev values of a seen dataset, in the order of the examples. */
  evaluation: table('evaluation', z.array(EvaluationValue)),
} as const;

export function put<TValue>({ name }: Table<TValue>, key: string, value: TValue): Write {
  return { table: name, key, value };
}

/** Undefined where there is none; PermanentError where it is damaged. */
export async function read<TValue>(
  store: Store,
  table: Table<TValue>,
  key: string,
): Promise<TValue | undefined> {
  const value = await store.read(table.name, key);
  return value === undefined ? undefined : checked(table, key, value);
}

export async function* scan<TValue>(
  store: Store,
  table: Table<TValue>,
  prefix: string,
): AsyncGenerator<[key: string, value: TValue]> {
  for await (const [key, value] of store.scan(table.name, prefix))
    yield [key, checked(table, key, value)];
}

function checked<TValue>({ name, schema }: Table<TValue>, key: string, value: unknown): TValue {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new PermanentError(
    `the ledger is damaged at table ${name}, key ${key}: ${z.prettifyError(parsed.error)}; restore its folder from a copy`,
  );
}
