import { TransientError } from '../contract/failure.ts';
import type { Queue } from '../contract/subjects.ts';
import type { Result, Work } from '../contract/work.ts';
import type { Clock } from '../process/clock.ts';
import type { Bus, Delivery } from './bus.ts';

/** The shortest wait that the bus allows; a lane that is told to stop waits for its end, so that nothing is delivered into the void. */
const PULL_MS = 1000;

/** One for all: an abort without a reason makes an error of its own, for each unit. */
const LET_GO = new Error('the unit was let go');

/** A unit as it came; `deliveries` says nothing about the unit itself. */
export interface Taken {
  work: Work;
  deliveries: number;
}

/** Holds at most one unit of a queue and keeps it from being delivered to anyone else meanwhile. */
export interface Hand {
  /** The next unit, or undefined when none came within a second. TransientError while the bus is away or the queue is not declared. */
  take(signal: AbortSignal): Promise<Taken | undefined>;
  /** Stores the result, then acks the unit. TransientError while the bus is away; the unit stays in hand, to be answered again. */
  answer(result: Result): Promise<void>;
  /** Lets the unit go, to be delivered again after `delayMs`. */
  giveBack(delayMs: number): void;
}

interface Held {
  delivery: Delivery<Work>;
  release: AbortController;
}

export interface HandDeps {
  bus: Bus;
  queue: Queue;
  clock: Clock;
  ackWaitMs: number;
}

export function createHand({ bus, queue, clock, ackWaitMs }: HandDeps): Hand {
  let held: Held | undefined;

  async function renew({ delivery, release }: Held): Promise<void> {
    while (!release.signal.aborted) {
      await clock.sleep(ackWaitMs / 3, release.signal).catch(() => undefined);
      if (!release.signal.aborted) delivery.working();
    }
  }

  function letGo(): Delivery<Work> | undefined {
    const delivery = held?.delivery;
    held?.release.abort(LET_GO);
    held = undefined;
    return delivery;
  }

  return {
    take: async (signal) => {
      const delivery = await bus.next(queue, PULL_MS, signal);
      if (delivery === undefined) return undefined;
      held = { delivery, release: new AbortController() };
      void renew(held);
      return { work: delivery.message, deliveries: delivery.deliveries };
    },
    answer: async (result) => {
      if (held === undefined) throw new Error(`no unit in hand to answer with ${result.unit}`);
      await bus.answer(result);
      try {
        await held.delivery.ack();
      } catch (error) {
        // The result is stored, so a unit that comes again is answered again, to no effect.
        if (!(error instanceof TransientError)) throw error;
      }
      letGo();
    },
    giveBack: (delayMs) => {
      letGo()?.giveBack(delayMs);
    },
  };
}
