import { TransientError } from '../../../shared/contract/failure.ts';
import type { Clock } from '../../../shared/process/clock.ts';
import { LateError, OverloadedError } from './overload.ts';
import { backoff } from './retry-after.ts';

const TRIES = 3;
/** How long a provider that has too much to do is waited for, in ms from its first refusal. */
const PATIENCE_MS = 60_000;

/**
 * The only layer that asks again. A busy provider is waited for and costs no try; another failure that may pass is tried three times; a late
 * answer has used up its time. What is left then is thrown, for the lane to hold the unit.
 */
export async function persist<TResult>(
  attempt: () => Promise<TResult>,
  signal: AbortSignal,
  { clock, random }: { clock: Clock; random: () => number },
): Promise<TResult> {
  let failures = 0;
  let refusals = 0;
  let refusedSince: number | undefined;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof TransientError) || error instanceof LateError) throw error;
      const isBusy = error instanceof OverloadedError;
      const pause = error.retryAfterMs ?? backoff(isBusy ? refusals : failures, random);
      if (isBusy) {
        refusals += 1;
        const now = clock.now();
        refusedSince ??= now;
        // In whole ms: a wish for all of it has been added to a time and taken from one again, and has come back a hair longer.
        if (Math.floor(now - refusedSince + pause) > PATIENCE_MS) throw error;
      } else {
        failures += 1;
        if (failures === TRIES) throw error;
      }
      await clock.sleep(pause, signal);
    }
  }
}
