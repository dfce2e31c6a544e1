import { z } from 'zod';
import { ChatTemplate } from './chat-template.ts';
import { JudgesHealth } from './health.ts';
import { Digest, Id, ShortDigest, Step } from './ids.ts';
import {
  AnswerStatistics,
  CandidateCounts,
  CellCounts,
  judgedAs,
  JudgingByJudge,
  Scores,
} from './facts.ts';
import { Axis } from './run-file.ts';
import { TrainingPace } from './training.ts';

const counts = z.record(z.string(), z.int().nonnegative());

/** How far a step of the curator is; `queues` are units, planned and answered, by queue (`sample`, judges' names). */
export const StepProgress = z.strictObject({
  step: Step,
  phase: z.enum(['planning', 'sampling', 'judging', 'sealing', 'done']),
  queues: z.record(z.string(), z.strictObject({ planned: z.int(), answered: z.int() })),
  candidates: z.int().nonnegative(),
  unscored: counts,
  /** US dollars that judging this step has cost so far. */
  usd: z.number().min(0),
});
export type StepProgress = z.infer<typeof StepProgress>;

/** How curating ended: a sealed dataset, too little coverage (pause), not enough data for the step, or `judges` that a canary showed not to be trusted (pause). */
export const CurateOutcome = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('sealed'),
    dataset: Digest,
    rows: z.int(),
    byDataset: z.record(Id, z.strictObject({ planned: z.int(), kept: z.int(), excluded: counts })),
    candidates: CandidateCounts,
    judges: JudgingByJudge,
    ties: z.int(),
    duplicates: z.int(),
    cells: z.record(z.string(), CellCounts),
    earlier: z.int().optional(),
    dev: Digest.optional(),
    health: JudgesHealth.optional(),
  }),
  z.strictObject({ outcome: z.literal('short'), reason: z.string(), unscored: counts }),
  z.strictObject({ outcome: z.literal('empty'), reason: z.string() }),
  z.strictObject({ outcome: z.literal('distrusted'), reason: z.string(), judges: z.array(Id) }),
]);
export type CurateOutcome = z.infer<typeof CurateOutcome>;

/** How an evaluation ended; `drifted` are `judges` that say other things of the start's answers than they did, `distrusted` ones that answer as several at once (pauses both). */
export const EvaluateOutcome = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('evaluated'),
    evaluation: Digest,
    dev: Scores,
    test: Scores,
    answers: AnswerStatistics,
    judges: JudgingByJudge,
    ...judgedAs,
  }),
  z.strictObject({ outcome: z.literal('short'), reason: z.string(), unscored: counts }),
  z.strictObject({ outcome: z.literal('drifted'), reason: z.string(), judges: z.array(Id) }),
  z.strictObject({ outcome: z.literal('distrusted'), reason: z.string(), judges: z.array(Id) }),
]);
export type EvaluateOutcome = z.infer<typeof EvaluateOutcome>;

/** Per-example dev values that a decision reads, ordered by dataset and example. */
export const EvaluationValue = z.strictObject({
  dataset: Id,
  axis: z.enum(['instruction', 'faithfulness', 'task']),
  example: z.string(),
  value: z.number(),
});
export type EvaluationValue = z.infer<typeof EvaluationValue>;

/** The greedy answer to one dev or test row of an evaluation; `text` is null where generation failed. An axis without a value is left out. */
export const Answer = z.strictObject({
  dataset: Id,
  split: z.enum(['dev', 'test']),
  example: ShortDigest,
  text: z.string().nullable(),
  /** The row's first reference; null where it has none. */
  gold: z.string().nullable(),
  values: z.partialRecord(Axis, z.number()),
});
export type Answer = z.infer<typeof Answer>;

/** What the trainer is asked to make. Paths are its own business: it knows checkpoints and datasets by digest. */
export const TrainRequest = z.strictObject({
  run: Id,
  step: Step,
  seed: z.int().nonnegative(),
  backend: Id,
  /** Where to start: a published checkpoint, a folder given by the run file, or scratch. */
  from: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('checkpoint'), checkpoint: Digest }),
    z.strictObject({ kind: z.literal('folder'), path: z.string() }),
    z.strictObject({ kind: z.literal('scratch'), config: z.record(z.string(), z.number()) }),
  ]),
  /** Null publishes `from` as it is: a given base becomes a checkpoint of the run. */
  dataset: Digest.nullable(),
  /** The references of dev, where `training.pick` or the anchor needs them. */
  dev: Digest.nullable(),
  /** The checkpoint that the trained one is compared with on dev. */
  anchor: Digest.nullable(),
  /** How often the run was resumed: a failed job is tried again under a higher number. */
  attempt: z.int().nonnegative(),
  training: TrainingPace,
  probe: z.array(z.string()),
  /** Of template `chat`: what the model to start from must have, and what is published has. */
  chat: ChatTemplate.optional(),
});
export type TrainRequest = z.infer<typeof TrainRequest>;

export const TrainProgress = z.strictObject({
  step: Step,
  phase: z.enum(['fetching', 'training', 'publishing', 'done']),
  at: z.int().nonnegative(),
  of: z.int().nonnegative(),
  loss: z.number().nullable(),
  tokensPerSecond: z.number().nullable(),
});
export type TrainProgress = z.infer<typeof TrainProgress>;

export const TrainOutcome = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('published'),
    checkpoint: Digest,
    parent: Digest.nullable(),
    /** Mean KL to the anchor by token of dev, in nats, where the training program measured it. */
    kl: z.number().optional(),
  }),
  z.strictObject({ outcome: z.literal('failed'), kind: z.string(), reason: z.string() }),
]);
export type TrainOutcome = z.infer<typeof TrainOutcome>;

/** What a trainer's machine has to train with. */
export const TrainerDescription = z.strictObject({
  gpus: z.array(z.strictObject({ name: z.string(), memoryBytes: z.number(), driver: z.string() })),
  memoryBytes: z.number(),
  cores: z.int(),
  /** By back-end that names a Python: its version and those of the packages that it needs, empty where one is missing. */
  versions: z.record(Id, z.record(z.string(), z.string())),
  /** By back-end: what hinders any job of it here, each with what to do about it; none where it is ready. */
  problems: z.record(Id, z.array(z.string())).default({}),
});
export type TrainerDescription = z.infer<typeof TrainerDescription>;
