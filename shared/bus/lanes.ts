import { setMaxListeners } from 'node:events';
import { createActor, fromPromise } from 'xstate';
import type { Queue } from '../contract/subjects.ts';
import { workDurable } from '../contract/subjects.ts';
import type { Result } from '../contract/work.ts';
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import { outputOf } from '../process/machine.ts';
import { outagesCounter, refusedUnitsCounter, unitSeconds } from '../process/metrics.ts';
import { createGate, type Gate } from '../process/gate.ts';
import { onAbort } from '../process/signal.ts';
import type { Bus } from './bus.ts';
import { createHand, type Taken } from './hand.ts';
import { laneMachine } from './lane.ts';

/** While one unit of a queue is answered, another is worked. */
const LANES = 2;

export type ServedQueue = Queue & {
  /** Units of it that may be in hand at once, where they are not two. */
  readonly lanes?: number | undefined;
  /** How many of these may be there without being under way, where all may. */
  readonly ahead?: number | undefined;
};

/**
 * Works one unit. TransientError: what it works with is away, the unit is held and worked again with the same `taken`. PermanentError: it
 * cannot be worked here, and is given back. The signal aborts when the result is no longer wanted. `underWay` tells that nothing of the
 * unit waits for its turn any more.
 */
export type Work = (taken: Taken, signal: AbortSignal, underWay: () => void) => Promise<Result>;

export interface LanesDeps {
  bus: Bus;
  clock: Clock;
  log: Logger;
  role: 'sampler' | 'judge';
  ackWaitMs: number;
  work: Work;
}

/** The lanes of a peer, by queue. */
export interface Lanes {
  /** Opens the lanes of queues that are new and drains those of queues that are gone. */
  serve(queues: readonly ServedQueue[]): void;
  /** Drains all; after `graceMs` units still in hand are given back. */
  drain(graceMs: number): Promise<void>;
  /** Rejects when a lane failed, which no lane should: the process ends and starts afresh. */
  readonly failed: Promise<never>;
}

interface OpenQueue {
  drain: AbortController;
  ended: Promise<unknown>;
}

export function createLanes(deps: LanesDeps): Lanes {
  const open = new Map<string, OpenQueue>();
  const expired = new AbortController();
  // One listener a lane.
  setMaxListeners(0, expired.signal);
  let fail = (_error: unknown): void => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  // Whoever drains without having looked at it is not interested.
  failed.catch(() => undefined);

  async function limit(graceMs: number, drained: AbortSignal): Promise<void> {
    await deps.clock.sleep(graceMs, drained).catch(() => undefined);
    if (!drained.aborted) expired.abort();
  }

  return {
    failed,
    serve: (queues) => {
      const wanted = new Map(queues.map((queue) => [workDurable(queue), queue]));
      for (const [name, { drain }] of open) if (!wanted.has(name)) drain.abort();
      for (const [name, queue] of wanted) {
        if (open.get(name)?.drain.signal.aborted === false) continue;
        const drain = new AbortController();
        const { lanes: count = LANES, ahead = Number.POSITIVE_INFINITY } = queue;
        const intake = createGate(() => ahead);
        // One listener a lane that waits.
        setMaxListeners(0, drain.signal);
        const lanes = Array.from({ length: count }, () =>
          runLane(deps, queue, intake, drain.signal, expired.signal),
        );
        const ended = Promise.all(lanes).catch(fail);
        open.set(name, { drain, ended });
      }
    },
    drain: async (graceMs) => {
      for (const { drain } of open.values()) drain.abort();
      const drained = new AbortController();
      const grace = limit(graceMs, drained.signal);
      await Promise.all([...open.values()].map(({ ended }) => ended));
      drained.abort();
      await grace;
    },
  };
}

/** Runs one lane until it has drained. */
async function runLane(
  { bus, clock, log, role, ackWaitMs, work }: LanesDeps,
  queue: Queue,
  intake: Gate,
  draining: AbortSignal,
  expired: AbortSignal,
): Promise<void> {
  const hand = createHand({ bus, queue, clock, ackWaitMs });
  let isAhead = false;
  const underWay = (): void => {
    if (isAhead) intake.leave();
    isAhead = false;
  };
  /** A lane to which nothing came, or whose unit was refused, keeps its turn: the others need not find out the same. */
  async function receive(signal: AbortSignal): Promise<Taken | undefined> {
    try {
      if (!isAhead) await intake.enter(draining);
    } catch {
      return undefined;
    }
    isAhead = true;
    return hand.take(signal);
  }
  const lane = createActor(
    laneMachine.provide({
      actors: {
        receive: fromPromise(({ signal }) => receive(signal)),
        work: fromPromise(async ({ input, signal }) => {
          const timer = unitSeconds.startTimer({ role });
          // One that is held stays ahead: no other is taken into the same outage.
          const result = await work(input, signal, underWay);
          timer();
          underWay();
          return result;
        }),
        answer: fromPromise(({ input }) => hand.answer(input)),
        rest: fromPromise(({ input, signal }) => clock.sleep(input, signal)),
      },
      actions: {
        giveBack: (_, { delayMs, reason }) => {
          hand.giveBack(delayMs);
          refusedUnitsCounter.inc({ role });
          log.error({ queue: workDurable(queue), reason, delayMs }, 'gave a unit back');
        },
        noteOutage: (_, { delayMs, reason }) => {
          outagesCounter.inc({ role });
          log.warn({ queue: workDurable(queue), reason, delayMs }, 'holds a unit');
        },
      },
    }),
  );
  const tell = (type: 'drain.requested' | 'drain.expired') => (): void => {
    if (lane.getSnapshot().status === 'active') lane.send({ type });
  };
  onAbort(draining, tell('drain.requested'));
  onAbort(expired, tell('drain.expired'));
  await outputOf(lane);
}
