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
  /**
   * Stores the result, then acks the unit and lets it go. TransientError while the bus is away; the unit stays in hand, to be answered
   * again. The ack's confirmation is not waited for: `take` and `settled` do that, while the next unit is on its way.
   */
  answer(result: Result): Promise<void>;
  /** Lets the unit go, to be delivered again after `delayMs`. */
  giveBack(delayMs: number): void;
  /** Returns when the last ack is confirmed or has failed. */
  settled(): Promise<void>;
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
  let acked: Promise<void> = Promise.resolve();

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
      const [delivery] = await Promise.all([bus.next(queue, PULL_MS, signal), acked]);
      if (delivery === undefined) return undefined;
      held = { delivery, release: new AbortController() };
      void renew(held);
      return { work: delivery.message, deliveries: delivery.deliveries };
    },
    answer: async (result) => {
      if (held === undefined) throw new Error(`no unit in hand to answer with ${result.unit}`);
      await bus.answer(result);
      const delivery = letGo();
      if (delivery !== undefined) acked = ack(delivery);
      // Whoever takes the next unit hears of it.
      acked.catch(() => undefined);
    },
    giveBack: (delayMs) => {
      letGo()?.giveBack(delayMs);
    },
    settled: () => acked,
  };
}

/** The result is stored, so a unit that comes again is answered again, to no effect. */
async function ack(delivery: Delivery<Work>): Promise<void> {
  try {
    await delivery.ack();
  } catch (error) {
    if (!(error instanceof TransientError)) throw error;
  }
}
