import { setTimeout as delay } from 'node:timers/promises';

/** Time as the roles see it, so that a test can drive it. */
export interface Clock {
  /** Milliseconds of a steady clock; only differences mean something. */
  now(): number;
  /** Rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, { signal });
  },
};
