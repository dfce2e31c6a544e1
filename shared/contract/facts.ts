import { z } from 'zod';
import { DatasetKind } from './example.ts';
import { Drift, JudgesHealth } from './health.ts';
import { Digest, Id, Step } from './ids.ts';
import { Judging } from './judging.ts';
import { ComparedAnswers } from './pairs.ts';
import { RunFile } from './run-file.ts';
import { RunTruncation } from './truncation.ts';

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
  /** By held-out judge, then dataset; not there where none is held out. */
  heldOut: z.record(Id, z.record(Id, Estimate)).optional(),
  /** By judge of pairs, then dataset; not there where no pair was decided. */
  pairs: z.record(Id, z.record(Id, ComparedAnswers)).optional(),
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
  /** Candidates with the text that was kept for their example. */
  wins: z.int().nonnegative(),
});
export type CellCounts = z.infer<typeof CellCounts>;

const share = z.number().min(0).max(1).nullable();

/**
 * What the dev answers of the seen datasets look like, whatever they say; null, or no entry, where there is nothing to measure.
 * `agents/curator/evaluation/answers.ts` says how each is counted.
 */
export const AnswerStatistics = z.strictObject({
  /** Answers that there are, by kind of dataset. */
  rows: z.partialRecord(DatasetKind, z.int().positive()),
  /** Mean length in words, by kind of dataset. */
  length: z.partialRecord(DatasetKind, z.number().min(0)),
  /** Of the instruction answers: distinct words / words, and the same of pairs of words. */
  distinct1: share,
  distinct2: share,
  /** Share of the instruction answers that another prompt got too. */
  duplicates: share,
  /** Share of the abstractive answers and summaries that copy a long run of the context. */
  copied: share,
  /** Share of all answers that are blank or a refusal. */
  refusals: share,
});
export type AnswerStatistics = z.infer<typeof AnswerStatistics>;

/** What a guardrail measured and the bounds that it may not leave, null where there is none. `coordinator/decision/guardrails.ts` says what each is. */
export const Guardrail = z.strictObject({
  name: z.enum(['length', 'distinct2', 'duplicates', 'copied', 'refusals', 'kl', 'heldOut']),
  /** The kind of dataset or the held-out judge, where it is measured for each. */
  of: z.string().nullable(),
  value: z.number(),
  least: z.number().nullable(),
  most: z.number().nullable(),
  tripped: z.boolean(),
});
export type Guardrail = z.infer<typeof Guardrail>;

const counts = z.record(z.string(), z.int().nonnegative());

/**
 * What became of a round's candidates. `certain` ones have no score and need none: their example has one text only, so that its paid judges
 * were not asked. planned = scored + certain + the sum of unscored, which counts by reason.
 */
export const CandidateCounts = z.strictObject({
  planned: z.int().nonnegative(),
  scored: z.int().nonnegative(),
  certain: z.int().nonnegative().default(0),
  unscored: counts,
});
export type CandidateCounts = z.infer<typeof CandidateCounts>;

/** By judge's name; older journals have none. */
export const JudgingByJudge = z.record(Id, Judging).default({});

/** How the judges of an evaluation stood. */
export const judgedAs = {
  /** By judge, under which it answered; older journals have none. */
  fingerprints: z.record(Id, Digest).optional(),
  /** By judge that was asked about the start's answers again. */
  drift: z.record(Id, Drift).optional(),
};

/**
 * The journal of a run is a list of these, appended with the expected length. They hold no clock, host or path,
 * so an undisturbed run and one with kills write the same bytes.
 */
export const Fact = z.discriminatedUnion('fact', [
  z.strictObject({
    fact: z.literal('run.opened'),
    run: Id,
    file: RunFile,
    digest: Digest,
    /** What became of the rows that are too long for the model, where that could be measured. */
    truncation: RunTruncation.optional(),
  }),
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
    candidates: CandidateCounts,
    judges: JudgingByJudge,
    ties: z.int().nonnegative(),
    duplicates: z.int().nonnegative(),
    /** By cell, in grid order; none where nothing was sampled. */
    cells: z.record(z.string(), CellCounts),
    /** How many of the rows are of earlier rounds, where the run pools them. */
    earlier: z.int().nonnegative().optional(),
    /** The references of dev, sealed as well, where the training picks its weights by them or is compared with the start on them. */
    dev: Digest.optional(),
    /** Not there where no judge has an engine behind it. */
    health: JudgesHealth.optional(),
  }),
  z.strictObject({
    fact: z.literal('checkpoint.published'),
    step: Step,
    checkpoint: Digest,
    parent: Digest.nullable(),
    dataset: Digest.nullable(),
    /** Mean KL to the start by token of the dev references, in nats, where it was measured. */
    kl: z.number().optional(),
  }),
  z.strictObject({
    fact: z.literal('evaluation.finished'),
    step: Step,
    checkpoint: Digest,
    evaluation: Digest,
    dev: Scores,
    test: Scores,
    answers: AnswerStatistics,
    judges: JudgingByJudge,
    ...judgedAs,
  }),
  z.strictObject({
    fact: z.literal('decision.made'),
    step: Step,
    round: z.int().positive(),
    decision: z.enum(['promote', 'keep', 'stop']),
    reason: z.string(),
    differences: z.strictObject({
      faithfulness: Difference.nullable(),
      instruction: Difference.nullable(),
      task: Difference.nullable(),
    }),
    /** What faithfulness had to gain beyond `gate.gain`, because its judges are noisy; not there where they are not. */
    noise: z.number().positive().optional(),
    /** Every guardrail that could be measured. */
    guardrails: z.array(Guardrail),
    /** Rounds in a row without promotion, this one included. */
    withoutPromotion: z.int().nonnegative(),
  }),
  z.strictObject({
    fact: z.literal('run.paused'),
    reason: z.string(),
    counts: counts.optional(),
    /** The budget that is used up: resuming grants it once more. GPU time used is a duration, so it stands in no fact; dollars stand in those of the steps. */
    budget: z.enum(['gpuHours', 'usd', 'usdPerRound']).optional(),
    /** The judges that have drifted: resuming takes them as they are now, and a score epoch begins (`epochs.ts`). */
    drift: z.array(Id).optional(),
  }),
  /** What no later step of the run needs (`checkpoints.keep`); its trainer removes those that no other run needs either. */
  z.strictObject({
    fact: z.literal('checkpoints.released'),
    step: Step,
    round: z.int().positive(),
    checkpoints: z.array(Digest).min(1),
  }),
  z.strictObject({ fact: z.literal('run.resumed') }),
  z.strictObject({
    fact: z.literal('run.finished'),
    stopped: z.enum(['converged', 'rounds', 'data', 'guardrail', 'user', 'failed']),
    reason: z.string(),
    best: z.strictObject({ round: z.int().nonnegative(), checkpoint: Digest }).nullable(),
  }),
]);
export type Fact = z.infer<typeof Fact>;
export type FactOf<TName extends Fact['fact']> = Extract<Fact, { fact: TName }>;
