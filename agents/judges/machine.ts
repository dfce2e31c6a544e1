/**
 * A judge makes a result of one unit; a lane (shared/bus/lane.ts) brings the unit, holds it through outages and answers.
 *
 *   reading --whole unit--> recalling --cached verdicts--> judging -------judged--> remembering --stored--> done
 *                              |                                                     ^
 *                              '--third delivery or later--> judgingAlone --judged---'
 *   any error --> failed: held, or given back where it is permanent
 *
 * I1. Every text of the unit gets exactly one verdict. What cannot be judged is unscored with its reason, never a number.
 * I2. A scored verdict is in the cache before it is answered.
 * I3. From the third delivery on, which a text that kills its judge leads to, each text is judged in a child process: whose child dies is unscored.
 */
import { assign, fromPromise, setup } from 'xstate';
import type { Taken } from '../../shared/bus/hand.ts';
import type { JudgeResult, JudgeUnit } from '../../shared/contract/work.ts';
import { filled, notProvided } from '../../shared/process/machine.ts';
import type { Answers } from './answers.ts';

const ALONE_FROM = 3;

/** A whole unit with its verdicts so far. */
export interface UnitInHand {
  unit: JudgeUnit;
  answers: Answers;
}

interface JudgeContext {
  taken: Taken;
  unit: UnitInHand | undefined;
  result: JudgeResult | undefined;
}

function unitInHand({ context }: { context: JudgeContext }): UnitInHand {
  return filled(context.unit, 'unit');
}

export const judgeMachine = setup({
  types: {
    context: {} as JudgeContext,
    input: {} as Taken,
    output: {} as JudgeResult,
  },
  actors: {
    read: fromPromise<UnitInHand, Taken>(() => notProvided('read')),
    recall: fromPromise<void, UnitInHand>(() => notProvided('recall')),
    judge: fromPromise<void, UnitInHand>(() => notProvided('judge')),
    judgeAlone: fromPromise<void, UnitInHand>(() => notProvided('judgeAlone')),
    remember: fromPromise<JudgeResult, UnitInHand>(() => notProvided('remember')),
  },
  guards: { isSuspect: ({ context }) => context.taken.deliveries >= ALONE_FROM },
}).createMachine({
  context: ({ input }) => ({ taken: input, unit: undefined, result: undefined }),
  initial: 'reading',
  states: {
    reading: {
      invoke: {
        src: 'read',
        input: ({ context }) => context.taken,
        onDone: { target: 'recalling', actions: assign({ unit: ({ event }) => event.output }) },
      },
    },
    recalling: {
      invoke: {
        src: 'recall',
        input: unitInHand,
        onDone: [{ guard: 'isSuspect', target: 'judgingAlone' }, { target: 'judging' }],
      },
    },
    judging: {
      invoke: { src: 'judge', input: unitInHand, onDone: 'remembering' },
    },
    judgingAlone: {
      invoke: { src: 'judgeAlone', input: unitInHand, onDone: 'remembering' },
    },
    remembering: {
      invoke: {
        src: 'remember',
        input: unitInHand,
        onDone: { target: 'done', actions: assign({ result: ({ event }) => event.output }) },
      },
    },
    done: { type: 'final' },
  },
  output: ({ context }) => filled(context.result, 'result'),
});
