import type { Clock } from '../../../shared/process/clock.ts';

/** Lets a loop wait for work without polling: a call of `wake` that comes before `wait` is not lost. */
export interface Wake {
  wake(): void;
  /** Returns when woken or after `ms`, whichever is first; rejects when the signal aborts. */
  wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void>;
}

export function createWake(): Wake {
  let woken = false;
  let stopSleeping: AbortController | undefined;
  return {
    wake() {
      woken = true;
      stopSleeping?.abort();
    },
    async wait(clock, ms, signal) {
      signal.throwIfAborted();
      if (!woken) {
        stopSleeping = new AbortController();
        await clock
          .sleep(ms, AbortSignal.any([signal, stopSleeping.signal]))
          .catch(() => undefined);
        stopSleeping = undefined;
        signal.throwIfAborted();
      }
      woken = false;
    },
  };
}
