import { z } from 'zod';
import { Example } from './example.ts';
import { Digest, Id, ShortDigest, Split, UnitId } from './ids.ts';
import { JudgeSpec } from './run-file.ts';

/** A message of the bus is at most this large; a unit above it travels by reference (gRPC `ReadUnit`). */
export const MAX_UNIT_BYTES = 256 * 1024;

/** One generation to make. `temperature` 0 is greedy, `topK` 0 is off. `cells` are the grid cells that this request stands for. */
export const SampleRequest = z.strictObject({
  candidate: ShortDigest,
  cells: z.array(z.string()).min(1),
  temperature: z.number().min(0),
  topK: z.int().min(0),
  seed: z.int().nonnegative(),
});
export type SampleRequest = z.infer<typeof SampleRequest>;

/** A fixed slice of examples, each with all its cells, for one checkpoint. */
export const SampleUnit = z.strictObject({
  kind: z.literal('sample'),
  run: Id,
  unit: UnitId,
  split: Split,
  /** Name of the server profile on the sampler. */
  server: Id,
  checkpoint: Digest,
  /** The name under which the model server must serve exactly this checkpoint. */
  servedName: Id,
  maxTokens: z.int().positive(),
  /** What the server must take for a prompt and its answer, where contexts were shortened to that. */
  window: z.int().positive().optional(),
  /** Where an answer ends: the text of the token that ends the assistant's turn, and the ids of all tokens that end a generation. Without it, where the server says. */
  stop: z.strictObject({ text: z.string(), tokens: z.array(z.int()) }).optional(),
  items: z
    .array(
      z.strictObject({
        example: ShortDigest,
        prompt: z.string(),
        requests: z.array(SampleRequest).min(1),
      }),
    )
    .min(1),
});
export type SampleUnit = z.infer<typeof SampleUnit>;

/** A text to judge. `repeat` counts the times that it was asked about before: no cache may answer such a question with what was said for another unit. */
const AskedText = z.strictObject({
  id: ShortDigest,
  text: z.string(),
  repeat: z.int().positive().optional(),
});
export type AskedText = z.infer<typeof AskedText>;

/**
 * All distinct texts of each example, for one judge, and behind them what it is asked to see whether it can be trusted; the message carries
 * the judge's whole specification.
 */
export const JudgeUnit = z.strictObject({
  kind: z.literal('judge'),
  run: Id,
  unit: UnitId,
  judge: JudgeSpec,
  /** The attempt of the run from which on this judge's answers count, where it was asked anew: what any cache holds from before does not. */
  since: z.int().positive().optional(),
  items: z
    .array(
      z.strictObject({
        example: Example,
        texts: z.array(AskedText).min(1),
        /** What another checkpoint answers to the same prompt, for a judge that compares the two. */
        opponent: z.string().optional(),
      }),
    )
    .min(1),
});
export type JudgeUnit = z.infer<typeof JudgeUnit>;

/** Stands for a unit above MAX_UNIT_BYTES: the worker reads it from the run's curator. `queue` is `sample` or a judge's name. */
export const UnitReference = z.strictObject({
  kind: z.literal('reference'),
  run: Id,
  queue: Id,
  unit: UnitId,
});
export type UnitReference = z.infer<typeof UnitReference>;

export const Work = z.discriminatedUnion('kind', [SampleUnit, JudgeUnit, UnitReference]);
export type Work = z.infer<typeof Work>;

/** One outcome for each request: a text, or the reason why there is none. */
export const Generation = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('generated'),
    candidate: ShortDigest,
    text: z.string(),
    tokens: z.int().nonnegative(),
    finish: z.enum(['stop', 'length']),
  }),
  z.strictObject({
    outcome: z.literal('failed'),
    candidate: ShortDigest,
    reason: z.string().min(1),
  }),
]);
export type Generation = z.infer<typeof Generation>;

/** Why what stands behind a judge gave no verdict: each with a policy of its own, none a number. */
export const Cause = z.enum([
  'refusal',
  'filtered',
  'cut-off',
  'empty',
  'malformed',
  'too-long',
  'provider-error',
]);
export type Cause = z.infer<typeof Cause>;

/** A judge's answer for one text: a value in [0, 1] with its raw detail, or a reason. A failure is never a number. */
export const Outcome = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('scored'),
    value: z.number().min(0).max(1),
    details: z.record(z.string(), z.unknown()),
  }),
  z.strictObject({
    outcome: z.literal('unscored'),
    reason: z.string().min(1),
    cause: Cause.optional(),
    details: z.record(z.string(), z.unknown()).optional(),
  }),
]);
export type Outcome = z.infer<typeof Outcome>;

/**
 * An outcome and the text that it is about. `cached` where a judge with an engine behind it had asked about the same text for another unit,
 * in an earlier step or another run: what it cost was paid there.
 */
export const Verdict = z.strictObject({
  text: ShortDigest,
  answer: Outcome,
  cached: z.literal(true).optional(),
});
export type Verdict = z.infer<typeof Verdict>;

const answered = { run: Id, unit: UnitId, peer: Id };

export const SampleResult = z.strictObject({
  kind: z.literal('sample'),
  ...answered,
  items: z.array(z.strictObject({ example: ShortDigest, generations: z.array(Generation) })),
});
export type SampleResult = z.infer<typeof SampleResult>;

export const JudgeResult = z.strictObject({
  kind: z.literal('judge'),
  ...answered,
  judge: Id,
  /** sha256 of all that can move the judge's answers: type, options, model identity, code version. */
  fingerprint: Digest,
  items: z.array(z.strictObject({ example: ShortDigest, verdicts: z.array(Verdict) })),
});
export type JudgeResult = z.infer<typeof JudgeResult>;

/** What a worker answers for a unit: exactly one outcome for each planned item, or the curator refuses it whole. */
export const Result = z.discriminatedUnion('kind', [SampleResult, JudgeResult]);
export type Result = z.infer<typeof Result>;
