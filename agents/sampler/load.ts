import { setTimeout as delay } from 'node:timers/promises';
import type { Concurrency, Load } from '../../shared/process/concurrency.ts';
import type { ModelServer, Queue } from './servers/driver.ts';

const LOOK_EVERY_MS = 1000;
/** While it has more and more room: its answers would tell it late. */
const EXPLORE_EVERY_MS = 250;
/** Above it a server begins to throw out what it has read of one prompt for another. */
const CACHE_FULL = 0.95;

/** What a server says of its queue, which other samplers fill too. */
export interface WatchedLoad {
  readonly load: Load;
  /** Whether it says anything. */
  readonly told: boolean;
  /** Asks for it, at most once a second; nobody waits for the answer. */
  look(signal: AbortSignal): void;
  /** Asks for it again and again while `use` wants more, and widens it each time that the server says that it has room. */
  explore(use: Explorer, signal: AbortSignal): void;
}

type Explorer = Pick<Concurrency, 'wantsMore' | 'widen'>;

/** A server that does not say, or cannot be asked, is taken for free: its failures and time-outs tell then. */
export function watchLoad(
  server: Pick<ModelServer, 'queue'>,
  now = () => performance.now(),
): WatchedLoad {
  let load: Load = 'free';
  let told = false;
  let lookedAt = Number.NEGATIVE_INFINITY;
  const ask = async (signal: AbortSignal): Promise<void> => {
    const queue = await server.queue(signal).catch(() => null);
    told = queue !== null;
    load = loadOf(queue);
  };
  const look = (signal: AbortSignal): void => {
    if (now() - lookedAt < LOOK_EVERY_MS) return;
    lookedAt = now();
    void ask(signal);
  };
  let isExploring = false;
  const explore = async (use: Explorer, signal: AbortSignal): Promise<void> => {
    if (isExploring) return;
    isExploring = true;
    while (use.wantsMore && !signal.aborted) {
      lookedAt = now();
      await ask(signal);
      const hasRoom = told && load === 'free';
      if (hasRoom) use.widen();
      await delay(hasRoom ? EXPLORE_EVERY_MS : LOOK_EVERY_MS, undefined, { ref: false });
    }
    isExploring = false;
  };
  return {
    explore: (use, signal) => void explore(use, signal),
    get load() {
      return load;
    },
    get told() {
      return told;
    },
    look,
  };
}

function loadOf(queue: Queue | null): Load {
  if (queue === null) return 'free';
  const { running, waiting, cache } = queue;
  if (waiting > running || cache > CACHE_FULL) return 'over';
  return waiting > 0 ? 'full' : 'free';
}
