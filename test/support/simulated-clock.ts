import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../shared/process/clock.ts';

interface Timer {
  at: number;
  fire: () => void;
}

/** Turns of the event loop in which whatever is runnable runs, real file operations included, before time moves on. */
const SETTLE_TURNS = 4;

/** Time that moves only when nobody can run: from timer to timer, so that a simulated minute takes milliseconds. */
export class SimulatedClock implements Clock, AsyncDisposable {
  #now = 0;
  #stopped = false;
  readonly #timers: Timer[] = [];
  readonly #driving: Promise<void>;

  constructor() {
    this.#driving = this.#drive();
  }

  now(): number {
    return this.#now;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    let stop = (): void => undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const timer: Timer = { at: this.#now + Math.max(0, ms), fire: resolve };
        // Timers of the same moment fire in the order of the calls.
        const place = this.#timers.findIndex(({ at }) => at > timer.at);
        this.#timers.splice(place === -1 ? this.#timers.length : place, 0, timer);
        stop = () => {
          const at = this.#timers.indexOf(timer);
          if (at !== -1) this.#timers.splice(at, 1);
          reject(signal?.reason as Error);
        };
        signal?.addEventListener('abort', stop, { once: true });
      });
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#driving;
  }

  async #drive(): Promise<void> {
    while (!this.#stopped) {
      for (let turn = 0; turn < SETTLE_TURNS; turn += 1) await setImmediate();
      const timer = this.#timers.shift();
      if (timer === undefined) continue;
      this.#now = timer.at;
      timer.fire();
    }
  }
}
