import type { Clock } from '../../../shared/process/clock.ts';

/** Lets a loop wait for work without polling: a call of `wake` that comes before `wait` is not lost. */
export interface Wake {
  wake(): void;
  /** Returns when woken, after `ms`, or when the signal aborts, whichever is first. */
  wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void>;
}

/** One for all: an abort without a reason makes an error of its own each time, even where it changes nothing. */
const WOKEN = new Error('woken');

export function createWake(): Wake {
  let woken = new AbortController();
  return {
    wake() {
      if (!woken.signal.aborted) woken.abort(WOKEN);
    },
    async wait(clock, ms, signal) {
      await sleepUnless(clock, ms, [woken.signal, signal]);
      woken = new AbortController();
    },
  };
}

/**
 * Sleeps until `ms` have passed or one of the signals aborts. `AbortSignal.any` would do, but Node 20 keeps each of its results as long
 * as its longest-lived source, here the process.
 */
export async function sleepUnless(
  clock: Clock,
  ms: number,
  signals: readonly AbortSignal[],
): Promise<void> {
  if (signals.some(({ aborted }) => aborted)) return;
  const ended = new AbortController();
  const end = (): void => {
    ended.abort(WOKEN);
  };
  for (const signal of signals) signal.addEventListener('abort', end, { once: true });
  try {
    await clock.sleep(ms, ended.signal);
  } catch (error) {
    if (!ended.signal.aborted) throw error;
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', end);
  }
}
