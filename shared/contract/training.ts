import { z } from 'zod';
import { Id } from './ids.ts';

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
});

/** What a training program reads (design §4): one JSON file in its job folder. */
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
  probe: z.array(z.string()),
});
export type TrainingSpec = z.infer<typeof TrainingSpec>;

/** One line of `progress.jsonl`. */
export const TrainingEvent = z.discriminatedUnion('event', [
  z.object({ event: z.literal('started'), step: z.int(), steps: z.int(), parameters: z.int() }),
  z.object({ event: z.literal('resumed'), step: z.int() }),
  z.object({
    event: z.literal('step'),
    step: z.int(),
    steps: z.int(),
    loss: z.number(),
    learningRate: z.number(),
    tokens: z.int(),
    tokensPerSecond: z.number(),
  }),
  z.object({ event: z.literal('evaluated'), step: z.int(), loss: z.number() }),
  z.object({ event: z.literal('saved'), step: z.int() }),
  z.object({ event: z.literal('finished') }),
]);
export type TrainingEvent = z.infer<typeof TrainingEvent>;

/** GPUs × seconds that the program has used, interrupted attempts included; 0 without a GPU. */
const gpuSeconds = z.number().nonnegative().optional();

/** `train_result.json`, written last and by rename. */
export const TrainingResult = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('completed'),
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
    output: z.string(),
  }),
  z.object({
    status: z.literal('failed'),
    gpuSeconds,
    kind: z.enum(['bad-spec', 'bad-data', 'diverged', 'disk', 'bug']),
    message: z.string(),
  }),
]);
export type TrainingResult = z.infer<typeof TrainingResult>;
