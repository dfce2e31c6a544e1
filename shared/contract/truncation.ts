import { z } from 'zod';
import { Id } from './ids.ts';

/**
 * What becomes of a context whose prompt leaves no room for an answer within the model's window: `passages` cuts the ends of the longest
 * passages, `tail` the end of the context, `refuse` leaves the example out.
 */
export const Truncation = z.enum(['passages', 'tail', 'refuse']);
export type Truncation = z.infer<typeof Truncation>;

/** What became of the prompts of one dataset, all parts together. */
export const TruncationCounts = z.strictObject({
  /** With the refused ones. */
  examples: z.int().nonnegative(),
  shortened: z.int().nonnegative(),
  /** Left out: they do not fit, whatever is cut. */
  refused: z.int().nonnegative(),
  /** Of the shortened prompts. */
  tokensCut: z.int().nonnegative(),
});
export type TruncationCounts = z.infer<typeof TruncationCounts>;

export const RunTruncation = z.strictObject({
  /** Tokens of a prompt and its answer, at most. */
  window: z.int().positive(),
  datasets: z.record(Id, TruncationCounts),
});
export type RunTruncation = z.infer<typeof RunTruncation>;

/** Tokens of an example's prompt, and of what was kept of it; null where the example is left out. */
export const Shortened = z.strictObject({
  tokens: z.int().positive(),
  kept: z.int().positive().nullable(),
});
export type Shortened = z.infer<typeof Shortened>;
