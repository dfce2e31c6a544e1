import type { z } from 'zod';
import { TransientError } from '../shared/contract/failure.ts';

/** One message of a step's stream: JSON of its progress, or of its outcome at the end. */
export interface StepMessage {
  progress?: string;
  outcome?: string;
}

/**
 * Reads a step's stream to its outcome; progress goes to `report`, and what that returns other than undefined ends the reading in place of
 * the outcome. Throws TransientError where the stream breaks off before.
 */
export async function outcomeOf<TProgress, TOutcome, TEnd>(
  messages: AsyncIterable<StepMessage>,
  progressSchema: z.ZodType<TProgress>,
  outcomeSchema: z.ZodType<TOutcome>,
  report: (progress: TProgress) => TEnd | undefined,
): Promise<TOutcome | TEnd> {
  for await (const { progress, outcome } of messages) {
    if (outcome !== undefined) return outcomeSchema.parse(JSON.parse(outcome));
    const end =
      progress === undefined ? undefined : report(progressSchema.parse(JSON.parse(progress)));
    if (end !== undefined) return end;
  }
  throw new TransientError('the stream of the step ended without an outcome');
}
