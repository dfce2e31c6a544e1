/**
 * A lane takes one unit of a queue at a time, has it worked by its role and answers it.
 *
 *   choosing --> receiving --unit--> working --result--> answering --stored, acked--> choosing
 *      |  ^         |  bus away       |  |  ^                |  ^
 *      |  |         v                 |  |  '-- holding <----'  |   TransientError of the work
 *      |  '------ resting <-refused---'  '-------'   bus away: waiting
 *      '--draining--> closed
 *
 * I1. A unit is acked only after its result is stored.
 * I2. At most one unit is in hand, and none while the lane rests.
 * I3. An outage holds the unit in hand; it is worked again after a pause that doubles. What cannot be worked here is given back.
 * I4. Draining finishes the unit in hand, a pull under way included, and takes no other. A held one is given back at once, a slow one later.
 * I5. The number of deliveries decides nothing here.
 */
import { assign, fromPromise, setup } from 'xstate';
import { messageOf, PermanentError, TransientError } from '../contract/failure.ts';
import type { Result } from '../contract/work.ts';
import { filled, notProvided } from '../process/machine.ts';
import type { Taken } from './hand.ts';

interface LaneContext {
  taken: Taken | undefined;
  result: Result | undefined;
  /** Outages in a row that the unit in hand has met. */
  outages: number;
  holdMs: number;
  draining: boolean;
}

/** `drain.expired`: the time for finishing what is in hand is over. */
type LaneEvent = { type: 'drain.requested' } | { type: 'drain.expired' };

interface Failed {
  event: { error: unknown };
}

/** Why the unit in hand is given back or held, and for how long. */
interface Pause {
  reason: string;
  delayMs: number;
}

function noteNotProvided(_machine: unknown, { reason }: Pause): never {
  return notProvided(`action for "${reason}"`);
}

/** After a refusal the next unit is likely to be refused too; this keeps a lane from spinning through the queue. */
const REST_MS = 1000;
/** Long enough for someone to see the log and mend what is wrong, or for a peer that can work it. */
const REFUSED_MS = 10_000;
const FIRST_HOLD_MS = 250;
const LONGEST_HOLD_MS = 10_000;
/** The other side may wish a longer pause than ours, up to this. */
const LONGEST_WISH_MS = 60_000;

/** How long in ms a unit is held: twice as long after each outage in a row, or as long as the other side asks for. */
export function holdFor(outages: number, error: unknown): number {
  const own = Math.min(LONGEST_HOLD_MS, FIRST_HOLD_MS * 2 ** Math.max(0, outages - 1));
  const wish = error instanceof TransientError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(own, Math.min(wish, LONGEST_WISH_MS));
}

const stopping = {
  type: 'giveBack',
  params: { delayMs: 0, reason: 'the peer is stopping' },
} as const;

export const laneMachine = setup({
  types: { context: {} as LaneContext, events: {} as LaneEvent },
  actors: {
    receive: fromPromise<Taken | undefined>(() => notProvided('receive')),
    work: fromPromise<Result, Taken>(() => notProvided('work')),
    answer: fromPromise<void, Result>(() => notProvided('answer')),
    rest: fromPromise<void, number>(() => notProvided('rest')),
  },
  actions: {
    giveBack: noteNotProvided,
    noteOutage: noteNotProvided,
  },
  guards: {
    isDraining: ({ context }) => context.draining,
    isTransient: (_, error: unknown) => error instanceof TransientError,
    isPermanent: (_, error: unknown) => error instanceof PermanentError,
  },
}).createMachine({
  context: { taken: undefined, result: undefined, outages: 0, holdMs: 0, draining: false },
  initial: 'choosing',
  on: { 'drain.requested': { actions: assign({ draining: true }) } },
  states: {
    choosing: {
      entry: assign({ taken: undefined, result: undefined, outages: 0 }),
      always: [{ guard: 'isDraining', target: 'closed' }, { target: 'receiving' }],
    },
    receiving: {
      invoke: {
        src: 'receive',
        onDone: [
          { guard: ({ event }) => event.output === undefined, target: 'choosing' },
          { target: 'working', actions: assign({ taken: ({ event }) => event.output }) },
        ],
        onError: {
          guard: { type: 'isTransient', params: ({ event }: Failed) => event.error },
          target: 'resting',
        },
      },
    },
    working: {
      invoke: {
        src: 'work',
        input: ({ context }) => filled(context.taken, 'unit'),
        onDone: { target: 'answering', actions: assign({ result: ({ event }) => event.output }) },
        onError: [
          {
            guard: { type: 'isTransient', params: ({ event }: Failed) => event.error },
            target: 'holding',
            actions: [
              assign({
                outages: ({ context }) => context.outages + 1,
                holdMs: ({ context, event }) => holdFor(context.outages + 1, event.error),
              }),
              {
                type: 'noteOutage',
                params: ({ context, event }) => ({
                  delayMs: context.holdMs,
                  reason: messageOf(event.error),
                }),
              },
            ],
          },
          {
            guard: { type: 'isPermanent', params: ({ event }: Failed) => event.error },
            target: 'resting',
            actions: {
              type: 'giveBack',
              params: ({ event }) => ({ delayMs: REFUSED_MS, reason: messageOf(event.error) }),
            },
          },
        ],
      },
      on: { 'drain.expired': { target: 'closed', actions: stopping } },
    },
    holding: {
      always: { guard: 'isDraining', target: 'closed', actions: stopping },
      invoke: { src: 'rest', input: ({ context }) => context.holdMs, onDone: 'working' },
    },
    answering: {
      invoke: {
        src: 'answer',
        input: ({ context }) => filled(context.result, 'result'),
        onDone: 'choosing',
        onError: {
          guard: { type: 'isTransient', params: ({ event }: Failed) => event.error },
          target: 'waiting',
        },
      },
    },
    waiting: {
      invoke: { src: 'rest', input: REST_MS, onDone: 'answering' },
      on: { 'drain.expired': { target: 'closed', actions: stopping } },
    },
    resting: {
      always: { guard: 'isDraining', target: 'closed' },
      invoke: { src: 'rest', input: REST_MS, onDone: 'choosing' },
    },
    closed: { type: 'final' },
  },
});
