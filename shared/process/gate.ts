import { untilAborted } from './signal.ts';

/** Lets tasks in, first come first served, as far as there is room. */
export interface Gate {
  /** How many are in, and how many wait. */
  readonly running: number;
  readonly waiting: number;
  /**
   * Waits for room for so many, 1 where it is not said; more than there is room for at all go in alone. They must `leave`. Rejects with
   * the signal's reason when it aborts first.
   */
  enter(signal: AbortSignal, places?: number): Promise<void>;
  leave(places?: number): void;
  /** Looks again how much room there is. */
  admit(): void;
}

interface Waiting {
  readonly places: number;
  readonly start: () => void;
}

/** @param room how many may be in at once, now */
export function createGate(room: () => number): Gate {
  const waiting: Waiting[] = [];
  let running = 0;

  function admit(): void {
    for (;;) {
      const [next] = waiting;
      if (next === undefined || !hasRoom(next)) return;
      waiting.shift();
      running += next.places;
      next.start();
    }
  }

  function hasRoom({ places }: Waiting): boolean {
    const all = room();
    return running + places <= all || (running === 0 && all > 0);
  }

  function leave(places = 1): void {
    running -= places;
    admit();
  }

  return {
    get running() {
      return running;
    },
    get waiting() {
      return waiting.length;
    },
    enter: async (signal, places = 1) => {
      signal.throwIfAborted();
      let start = (): void => undefined;
      const admitted = new Promise<void>((resolve) => {
        start = resolve;
      });
      const one = { places, start };
      waiting.push(one);
      admit();
      try {
        await untilAborted(admitted, signal);
      } catch (error) {
        const at = waiting.indexOf(one);
        if (at < 0) leave(places);
        else {
          waiting.splice(at, 1);
          // What stood behind it may need less room.
          admit();
        }
        throw error;
      }
    },
    leave,
    admit,
  };
}
