import { createGate } from './gate.ts';

/** How much may be under way at one server, found by trying (AIMD, as TCP does). */
export interface Concurrency {
  /** Places that may be taken at once now. */
  readonly limit: number;
  /** Whether nothing was ever too much; and whether tasks wait besides. */
  readonly exploring: boolean;
  readonly wantsMore: boolean;
  /** Twice the limit, where the other side has said that it has room for more. */
  widen(): void;
  /**
   * Runs a task when there is room for it, one place where it is not said; its end moves the limit. One of several places may tell each
   * success of its own by `succeeded`, which frees a place before all of it has ended.
   */
  run<TResult>(
    task: (succeeded: () => void) => Promise<TResult>,
    signal: AbortSignal,
    places?: number,
  ): Promise<TResult>;
}

export interface ConcurrencyOptions {
  ceiling: number;
  /** The limit at first; 2 where it is not said. */
  start?: number;
  /** Whether a failure means that the server has too much to do. Other failures leave the limit as it is. */
  isOverload: (error: unknown) => boolean;
  /** What the other side says of its load, asked at each success; without it a success is room for more. */
  load?: () => Load;
}

/** `full`: it has enough to do. `over`: it has too much to do, though it still answers. */
export type Load = 'free' | 'full' | 'over';

const START = 2;

/**
 * Starts with `start`, or with a ceiling below it. Each success adds one until the first overload, later one in `limit` successes, and none
 * while the load is full; an overload halves the limit, at most once for the tasks that were under way together.
 */
export function createConcurrency({
  ceiling,
  start = START,
  isOverload,
  load = () => 'free',
}: ConcurrencyOptions): Concurrency {
  const gate = createGate(() => Math.floor(limit));
  let limit = Math.min(start, ceiling);
  let exploring = true;
  /** Tasks that started before the last cut: their failures say nothing new. */
  let generation = 0;

  function succeeded(startedIn: number): void {
    const now = load();
    if (now === 'over') overloaded(startedIn);
    if (now === 'free') grow();
  }

  function grow(): void {
    limit = Math.min(ceiling, limit + (exploring ? 1 : 1 / limit));
  }

  function overloaded(startedIn: number): void {
    exploring = false;
    if (startedIn !== generation) return;
    generation += 1;
    limit = Math.max(1, limit / 2);
  }

  return {
    get limit() {
      return Math.floor(limit);
    },
    get exploring() {
      return exploring;
    },
    get wantsMore() {
      return exploring && limit < ceiling && gate.waiting > 0;
    },
    widen: () => {
      limit = Math.min(ceiling, limit * 2);
      gate.admit();
    },
    run: async (task, signal, places = 1) => {
      await gate.enter(signal, places);
      const startedIn = generation;
      let left = places;
      const succeedOne = (): void => {
        left -= 1;
        succeeded(startedIn);
        gate.leave();
      };
      try {
        const result = await task(succeedOne);
        for (let untold = left; untold > 0; untold -= 1) succeedOne();
        return result;
      } catch (error) {
        if (isOverload(error)) overloaded(startedIn);
        throw error;
      } finally {
        gate.leave(left);
      }
    },
  };
}
