import { z } from 'zod';
import { Example } from './example.ts';
import { Digest, Id, Step } from './ids.ts';
import { Shortened } from './truncation.ts';
import { Outcome } from './work.ts';

/** All that the ledger knows of one example: what `reset-loop why` shows. */
export const Explanation = z.strictObject({
  example: Example,
  /** Where the context is not the whole of the row's, or the example is left out because it is too long. */
  shortened: Shortened.nullable().default(null),
  steps: z.array(
    z.strictObject({
      step: Step,
      split: z.enum(['train', 'dev', 'test']),
      checkpoint: Digest,
      prompt: z.string(),
      /** By judge that compares checkpoints: what it compared the candidates with, and the step whose evaluation has it. */
      opponents: z.record(Id, z.strictObject({ step: Step, text: z.string() })).default({}),
      candidates: z.array(
        z.strictObject({
          candidate: z.string(),
          cells: z.array(z.string()),
          /** Null where the model server failed; then `failure` says why. */
          text: z.string().nullable(),
          failure: z.string().nullable(),
          verdicts: z.record(z.string(), Outcome),
          /** Judges that had given this verdict before, for another unit, and paid for it there. */
          cached: z.array(z.string()),
          /** The terms of the weighted sum, in words and numbers, and its value; null where a needed verdict is missing. */
          arithmetic: z.string(),
          score: z.number().nullable(),
        }),
      ),
      selection: z
        .strictObject({
          candidate: z.string().nullable(),
          reason: z.string(),
          margin: z.number().nullable(),
          tied: z.int(),
        })
        .nullable(),
    }),
  ),
});
export type Explanation = z.infer<typeof Explanation>;
