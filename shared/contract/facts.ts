import { z } from 'zod';
import { Digest, Id, Step } from './ids.ts';
import { RunFile } from './run-file.ts';

/** A mean over n examples with a bootstrap 95 % interval. */
export const Estimate = z.strictObject({
  n: z.int().nonnegative(),
  mean: z.number(),
  lower: z.number(),
  upper: z.number(),
});
export type Estimate = z.infer<typeof Estimate>;

/** Scores of one part of the data. An axis without data is null, never 0. `seen` datasets have a train part. */
export const Scores = z.strictObject({
  faithfulness: z.strictObject({ seen: Estimate.nullable(), unseen: Estimate.nullable() }),
  instruction: Estimate.nullable(),
  task: Estimate.nullable(),
  /** By dataset, then axis. */
  datasets: z.record(
    Id,
    z.partialRecord(z.enum(['instruction', 'faithfulness', 'task']), Estimate),
  ),
});
export type Scores = z.infer<typeof Scores>;

/** A paired difference against the incumbent with its bootstrap 95 % bounds. */
export const Difference = z.strictObject({
  mean: z.number(),
  lower: z.number(),
  upper: z.number(),
});
export type Difference = z.infer<typeof Difference>;

/** What one decoding setting gave in a round, over all examples that were sampled with it. */
export const CellCounts = z.strictObject({
  /** Candidates planned. One that stands for several cells, as a greedy one may, counts for each. */
  candidates: z.int().nonnegative(),
  /** Distinct texts, summed over the examples. */
  texts: z.int().nonnegative(),
  /** Of these, the ones that no other cell of the same example gave. */
  own: z.int().nonnegative(),
  /** Examples whose kept candidate has the cell. */
  wins: z.int().nonnegative(),
});
export type CellCounts = z.infer<typeof CellCounts>;

const counts = z.record(z.string(), z.int().nonnegative());

/**
 * The journal of a run is a list of these, appended with the expected length. They hold no clock, host or path,
 * so an undisturbed run and one with kills write the same bytes.
 */
export const Fact = z.discriminatedUnion('fact', [
  z.strictObject({ fact: z.literal('run.opened'), run: Id, file: RunFile, digest: Digest }),
  z.strictObject({
    fact: z.literal('round.opened'),
    step: Step,
    round: z.int().positive(),
    incumbent: Digest,
  }),
  z.strictObject({
    fact: z.literal('dataset.sealed'),
    step: Step,
    dataset: Digest,
    rows: z.int().nonnegative(),
    byDataset: z.record(Id, z.strictObject({ planned: z.int(), kept: z.int(), excluded: counts })),
    /** Candidates planned and with a full score, unscored ones by reason. */
    candidates: z.strictObject({ planned: z.int(), scored: z.int(), unscored: counts }),
    ties: z.int().nonnegative(),
    duplicates: z.int().nonnegative(),
    /** By cell, in grid order; none where nothing was sampled. */
    cells: z.record(z.string(), CellCounts),
    /** How many of the rows are of earlier rounds, where the run pools them. */
    earlier: z.int().nonnegative().optional(),
  }),
  z.strictObject({
    fact: z.literal('checkpoint.published'),
    step: Step,
    checkpoint: Digest,
    parent: Digest.nullable(),
    dataset: Digest.nullable(),
  }),
  z.strictObject({
    fact: z.literal('evaluation.finished'),
    step: Step,
    checkpoint: Digest,
    evaluation: Digest,
    dev: Scores,
    test: Scores,
  }),
  z.strictObject({
    fact: z.literal('decision.made'),
    step: Step,
    round: z.int().positive(),
    decision: z.enum(['promote', 'keep']),
    reason: z.string(),
    differences: z.strictObject({
      faithfulness: Difference.nullable(),
      instruction: Difference.nullable(),
      task: Difference.nullable(),
    }),
    /** Rounds in a row without promotion, this one included. */
    withoutPromotion: z.int().nonnegative(),
  }),
  z.strictObject({ fact: z.literal('run.paused'), reason: z.string(), counts: counts.optional() }),
  z.strictObject({ fact: z.literal('run.resumed') }),
  z.strictObject({
    fact: z.literal('run.finished'),
    stopped: z.enum(['converged', 'rounds', 'data', 'user', 'failed']),
    reason: z.string(),
    best: z.strictObject({ round: z.int().nonnegative(), checkpoint: Digest }).nullable(),
  }),
]);
export type Fact = z.infer<typeof Fact>;
export type FactOf<TName extends Fact['fact']> = Extract<Fact, { fact: TName }>;
