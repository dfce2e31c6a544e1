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
import type { JudgeResult, JudgeUnit, Work } from '../../shared/contract/work.ts';
import { filled, notProvided } from '../../shared/process/machine.ts';

const ALONE_FROM = 3;

interface JudgeContext {
  work: Work;
  deliveries: number;
  unit: JudgeUnit | undefined;
  result: JudgeResult | undefined;
}

function unitInHand({ context }: { context: JudgeContext }): JudgeUnit {
  return filled(context.unit, 'unit');
}

export const judgeMachine = setup({
  types: {
    context: {} as JudgeContext,
    input: {} as { work: Work; deliveries: number },
    output: {} as JudgeResult,
  },
  actors: {
    read: fromPromise<JudgeUnit, Work>(() => notProvided('read')),
    recall: fromPromise<void, JudgeUnit>(() => notProvided('recall')),
    judge: fromPromise<void, JudgeUnit>(() => notProvided('judge')),
    judgeAlone: fromPromise<void, JudgeUnit>(() => notProvided('judgeAlone')),
    remember: fromPromise<JudgeResult, JudgeUnit>(() => notProvided('remember')),
  },
  guards: { isSuspect: ({ context }) => context.deliveries >= ALONE_FROM },
}).createMachine({
  context: ({ input }) => ({ ...input, unit: undefined, result: undefined }),
  initial: 'reading',
  states: {
    reading: {
      invoke: {
        src: 'read',
        input: ({ context }) => context.work,
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
