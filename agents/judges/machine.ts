/**
 * A judge makes a result of one unit; a lane (shared/bus/lane.ts) brings the unit, holds it through outages and answers.
 *
 *   choosing --first or second delivery--> judging ------judged--> done
 *      '------third delivery or later----> judgingAlone ---judged---^
 *   any error --> failed: held, or given back where it is permanent
 *
 * I1. Every text of the unit gets exactly one verdict. What cannot be judged is unscored with its reason, never a number.
 * I2. What an engine has scored is in the cache before it is answered.
 * I3. From the third delivery on, which a text that kills its judge leads to, each text is judged in a child process: whose child dies is unscored. Not so
 *     where a provider is asked: what it takes to ask is here, its limit above all.
 */
import { assign, fromPromise, setup } from 'xstate';
import type { Taken } from '../../shared/bus/hand.ts';
import type { JudgeResult } from '../../shared/contract/work.ts';
import { filled, notProvided } from '../../shared/process/machine.ts';

const ALONE_FROM = 3;

interface JudgeContext {
  taken: Taken;
  result: JudgeResult | undefined;
}

export const judgeMachine = setup({
  types: {
    context: {} as JudgeContext,
    input: {} as Taken,
    output: {} as JudgeResult,
  },
  actors: {
    judge: fromPromise<JudgeResult, Taken>(() => notProvided('judge')),
    judgeAlone: fromPromise<JudgeResult, Taken>(() => notProvided('judgeAlone')),
  },
  guards: { isSuspect: ({ context }) => context.taken.deliveries >= ALONE_FROM },
}).createMachine({
  context: ({ input }) => ({ taken: input, result: undefined }),
  initial: 'choosing',
  states: {
    choosing: {
      always: [{ guard: 'isSuspect', target: 'judgingAlone' }, { target: 'judging' }],
    },
    judging: {
      invoke: {
        src: 'judge',
        input: ({ context }) => context.taken,
        onDone: {
          target: 'done',
          actions: assign({ result: ({ event }) => event.output }),
        },
      },
    },
    judgingAlone: {
      invoke: {
        src: 'judgeAlone',
        input: ({ context }) => context.taken,
        onDone: {
          target: 'done',
          actions: assign({ result: ({ event }) => event.output }),
        },
      },
    },
    done: { type: 'final' },
  },
  output: ({ context }) => filled(context.result, 'result'),
});
