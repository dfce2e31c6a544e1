import type { z } from 'zod';
import { TransientError } from '../shared/contract/failure.ts';

/** One message of a step's stream: JSON of its progress, or of its outcome at the end. */
export interface StepMessage {
  progress?: string;
  outcome?: string;
}

/** Reads a step's stream to its outcome; progress goes to `report`. Throws TransientError where it breaks off before. */
export async function outcomeOf<TProgress, TOutcome>(
  messages: AsyncIterable<StepMessage>,
  progressSchema: z.ZodType<TProgress>,
  outcomeSchema: z.ZodType<TOutcome>,
  report: (progress: TProgress) => void,
): Promise<TOutcome> {
  for await (const { progress, outcome } of messages) {
    if (outcome !== undefined) return outcomeSchema.parse(JSON.parse(outcome));
    if (progress !== undefined) report(progressSchema.parse(JSON.parse(progress)));
  }
  throw new TransientError('the stream of the step ended without an outcome');
}
