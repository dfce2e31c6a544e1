import { z } from 'zod';
import { CandidateCounts, CellCounts } from './facts.ts';
import { Digest, Id, Step } from './ids.ts';
import { closedObject } from './problems.ts';
import { Axis, Select } from './run-file.ts';

const counts = z.record(z.string(), z.int().nonnegative());
const weight = z.number().optional();

/** What to change of a run file when a round's dataset is made again; what is left out stays as it was. */
export const Recurating = closedObject({
  weights: closedObject({ task: weight, instruction: weight, faithfulness: weight }).default({}),
  /** Keys of `select`. */
  select: z.record(z.string(), z.unknown()).default({}),
  /** Whether the rows come as well, as the files of a sealed dataset. */
  files: z.boolean().default(false),
});
export type Recurating = z.infer<typeof Recurating>;

/** The dataset that a round would have trained on with other weights, beside the one that it did train on. */
export const Recuration = z.strictObject({
  step: Step,
  weights: z.record(Axis, z.number()),
  select: Select,
  /** Digest of the dataset; null where nothing balanced is left of it, and then `emptied` names the datasets. */
  dataset: Digest.nullable(),
  emptied: z.array(Id),
  rows: z.int().nonnegative(),
  byDataset: z.record(Id, z.strictObject({ planned: z.int(), kept: z.int(), excluded: counts })),
  candidates: CandidateCounts,
  ties: z.int().nonnegative(),
  duplicates: z.int().nonnegative(),
  cells: z.record(z.string(), CellCounts),
  /** Axes that now have a weight and had none in the run, and that no judge measured for want of it. */
  unjudged: z.array(z.strictObject({ dataset: Id, axis: Axis })),
  trained: z.strictObject({ dataset: Digest, rows: z.int().nonnegative() }),
  /** Examples by dataset: kept with the same text as in the trained dataset, with another, only now, only then. */
  difference: z.record(
    Id,
    z.strictObject({
      same: z.int().nonnegative(),
      changed: z.int().nonnegative(),
      added: z.int().nonnegative(),
      removed: z.int().nonnegative(),
    }),
  ),
  /** The first differences of each dataset; null where the row is not in the dataset. */
  shown: z.array(
    z.strictObject({
      dataset: Id,
      /** Its id in the dataset: the example's, with the round behind it where the run pools rounds. */
      row: z.string(),
      before: z.string().nullable(),
      after: z.string().nullable(),
    }),
  ),
});
export type Recuration = z.infer<typeof Recuration>;

/** A part of the answer: first the figures, then, where they were asked for, the files piece by piece, the manifest last. */
export const RecurationPart = z.union([
  z.strictObject({ recuration: Recuration }),
  z.strictObject({ path: z.string().regex(/^[a-z0-9-]+\.jsonl?$/), text: z.string() }),
]);
export type RecurationPart = z.infer<typeof RecurationPart>;
