import { z } from 'zod';
import { Digest, Id } from './ids.ts';
import { TrainingOptions } from './training-options.ts';

/** One training row: the turns follow each other; loss is on completions only. */
export const TrainingRow = z.strictObject({
  id: z.string().min(1),
  dataset: Id,
  turns: z.array(z.strictObject({ prompt: z.string(), completion: z.string() })).min(1),
});
export type TrainingRow = z.infer<typeof TrainingRow>;

/** Rates and length of one training step: `steps`, or `epochs` over the rows. */
export const TrainingPace = z.strictObject({
  steps: z.int().positive().optional(),
  epochs: z.number().positive().optional(),
  batchSize: z.int().positive(),
  learningRate: z.number().positive(),
  schedule: z.enum(['cosine', 'linear', 'constant-linear']),
  warmupRatio: z.number(),
  weightDecay: z.number(),
  saveEverySteps: z.int().positive(),
  pick: z.enum(['last', 'dev-perplexity']),
  /** For a back-end that knows them; others refuse the key. */
  options: TrainingOptions.optional(),
});

/**
 * What a training program reads (design §4): one JSON file in its job folder, whose path is the last word of its command line. Beside it the
 * program writes `progress.jsonl`, `train_result.json`, `errors/<rank>.json` and whatever it needs to go on after a kill: started again with
 * the same spec, or another `microBatch`, it resumes; started again after its completed result, it exits with 0 at once. It exits with 0 when
 * completed, 1 when failed, 143 after SIGTERM or SIGHUP, which it may get twice, with its state saved.
 */
export const TrainingSpec = z.strictObject({
  version: z.literal(1),
  job: z.string(),
  seed: z.int().nonnegative(),
  model: z.strictObject({
    from: z.string().nullable(),
    config: z.record(z.string(), z.number()).optional(),
  }),
  /** A checkpoint folder. The program says in `dev.kl` how far from its model the trained one is; one that cannot leaves it out. */
  anchor: z.string().nullable(),
  data: z.strictObject({ train: z.array(z.string()).min(1), dev: z.array(z.string()) }),
  output: z.string(),
  training: TrainingPace,
  /** Rows that one process takes at once, where the trainer's profile says it; a step's batch stays `training.batchSize`. */
  microBatch: z.int().positive().optional(),
  probe: z.array(z.string()),
  /**
   * Where the rows are written by the chat template of the model: a conversation, and the prompt that it becomes. Of both the model's tokenizer
   * must make the same tokens, but for what it puts before each text.
   */
  chat: z
    .strictObject({
      messages: z.array(
        z.strictObject({ role: z.enum(['user', 'assistant']), content: z.string() }),
      ),
      prompt: z.string(),
    })
    .optional(),
});
export type TrainingSpec = z.infer<typeof TrainingSpec>;

/** One line of `progress.jsonl`. */
export const TrainingEvent = z.discriminatedUnion('event', [
  z.object({
    event: z.literal('started'),
    step: z.int(),
    steps: z.int(),
    parameters: z.int(),
    /** Rows that one process takes at once, and how many processes there are. */
    microBatch: z.int().optional(),
    processes: z.int().optional(),
  }),
  z.object({ event: z.literal('resumed'), step: z.int() }),
  z.object({
    event: z.literal('step'),
    step: z.int(),
    steps: z.int(),
    loss: z.number(),
    learningRate: z.number(),
    tokens: z.int(),
    tokensPerSecond: z.number(),
    /** L2 norm before clipping. */
    gradientNorm: z.number().optional(),
    /** Most that the first process has held: of its GPU, or in all where there is none. */
    memoryBytes: z.number().optional(),
  }),
  z.object({ event: z.literal('evaluated'), step: z.int(), loss: z.number() }),
  z.object({ event: z.literal('saved'), step: z.int() }),
  z.object({ event: z.literal('finished') }),
]);
export type TrainingEvent = z.infer<typeof TrainingEvent>;

/** Why an attempt at training failed. `spec`, `disk` and `bug` are the program's own words for what only a person can mend. */
export const FailureClass = z.enum([
  'oom',
  'nccl-timeout',
  'nan',
  'data',
  'preempted',
  'launcher-lost',
  'stalled',
  'spec',
  'disk',
  'bug',
  'unknown',
]);
export type FailureClass = z.infer<typeof FailureClass>;

/** `errors/<rank>.json`: what ended one rank, by rename. The earliest one is the cause; the others only lost their partner. */
export const RankError = z.object({
  class: FailureClass.catch('unknown'),
  message: z.string(),
  /** Milliseconds since 1970. */
  at: z.number().default(0),
});
export type RankError = z.infer<typeof RankError>;

/** GPUs × seconds that the program has used, interrupted attempts included; 0 without a GPU. */
const gpuSeconds = z.number().nonnegative().optional();

/** `train_result.json`, written last and by rename. */
export const TrainingResult = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('completed'),
    /** Hex sha256 of the bytes of the spec that this is the result of. */
    spec: Digest.optional(),
    gpuSeconds,
    steps: z.int(),
    loss: z.number(),
    dev: z
      .object({
        loss: z.number(),
        perplexity: z.number(),
        /** Mean by learned token of the dev rows of KL(output ‖ anchor), in nats. */
        kl: z.number().optional(),
      })
      .nullable(),
    tokens: z.int(),
    /** A HF-style folder with merged weights; a LoRA adapter lies in its folder `adapter`. */
    output: z.string(),
  }),
  z.object({
    status: z.literal('failed'),
    gpuSeconds,
    /** The last three are tried again, as `errors/<rank>.json` of that class; the others never. */
    kind: z.enum([
      'bad-spec',
      'bad-data',
      'diverged',
      'disk',
      'bug',
      'oom',
      'nccl-timeout',
      'preempted',
    ]),
    message: z.string(),
  }),
]);
export type TrainingResult = z.infer<typeof TrainingResult>;
