import { setTimeout as delay } from 'node:timers/promises';
import { holdFor } from '../../shared/bus/lane.ts';
import { TransientError } from '../../shared/contract/failure.ts';
import type { Outcome } from '../../shared/contract/work.ts';
import type { Judge, JudgedRow } from './types/judge.ts';

const TRIES = 5;

/**
 * A verdict where no lane holds an outage: asked again after the pauses of a lane, five times in all. What is away for longer leaves the text
 * unscored, so that a file of rows goes on.
 */
export async function judgePatiently(
  { judge }: Judge,
  row: JudgedRow,
  answer: string,
  signal: AbortSignal,
): Promise<Outcome> {
  for (let outages = 1; ; outages += 1)
    try {
      return await judge(row, answer, signal);
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      if (outages === TRIES)
        return { outcome: 'unscored', cause: 'provider-error', reason: error.message };
      await delay(holdFor(outages, error), undefined, { signal });
    }
}
