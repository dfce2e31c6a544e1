import type { Clock } from '../../../shared/process/clock.ts';
import { createConcurrency } from '../../../shared/process/concurrency.ts';
import { OverloadedError, RateLimitedError } from './overload.ts';
import { createPace } from './pace.ts';

/** When this process may ask a provider: one for all of its judges. */
export interface Limit {
  /**
   * Makes an attempt as soon as it may be made. One that is refused by RateLimitedError ends and frees its place; the error then says in
   * `retryAfterMs` from when on it is worth to come back.
   */
  run<TResult>(attempt: () => Promise<TResult>, signal: AbortSignal): Promise<TResult>;
}

/**
 * At most `ceiling` attempts at once, less after each overload, started no faster than the provider was seen to allow. A rate limit moves the
 * pace only: fewer attempts at once would leave the rate unused where answers take seconds.
 */
export function createLimit(ceiling: number, clock: Clock, random: () => number): Limit {
  const pace = createPace(clock, random);
  const concurrency = createConcurrency({
    ceiling,
    isOverload: (error) => error instanceof OverloadedError && !(error instanceof RateLimitedError),
  });
  return {
    run: (attempt, signal) =>
      concurrency.run(async () => {
        const turn = await pace.turn(signal);
        try {
          return await attempt();
        } catch (error) {
          if (!(error instanceof RateLimitedError)) throw error;
          const retryAfterMs = turn.refused(error.retryAfterMs);
          throw new RateLimitedError(error.message, { retryAfterMs });
        }
      }, signal),
  };
}
