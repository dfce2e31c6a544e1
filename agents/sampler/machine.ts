/**
 * The sampler makes a result of one unit; a lane (shared/bus/lane.ts) brings the unit, holds it through outages and answers.
 *
 *   reading --whole unit--> preparing --server ready--> filling --filled--> done
 *      '--------- any error ---------------'----------------'-------------> failed: held, or given back where it is permanent
 *
 * I1. Nothing is sampled before the server has shown, by the probe, that it serves exactly the unit's checkpoint.
 * I2. An outage fails the attempt, never a candidate: what was generated before it is kept while the unit is in hand.
 * I3. Each request of the unit gets exactly one outcome.
 */
import { assign, fromPromise, setup } from 'xstate';
import type { Taken } from '../../shared/bus/hand.ts';
import type { Generation, SampleResult, SampleUnit } from '../../shared/contract/work.ts';
import { filled, notProvided } from '../../shared/process/machine.ts';

/** A whole unit with its generations so far, by candidate. */
export interface UnitInHand {
  unit: SampleUnit;
  generations: Map<string, Generation>;
  /** Tells that none of its requests waits for its turn any more. */
  underWay: () => void;
}

type SamplerInput = { taken: Taken } & Pick<UnitInHand, 'underWay'>;

interface SamplerContext {
  given: SamplerInput;
  unit: UnitInHand | undefined;
  result: SampleResult | undefined;
}

export const samplerMachine = setup({
  types: {
    context: {} as SamplerContext,
    input: {} as SamplerInput,
    output: {} as SampleResult,
  },
  actors: {
    read: fromPromise<UnitInHand, SamplerInput>(() => notProvided('read')),
    prepare: fromPromise<void, UnitInHand>(() => notProvided('prepare')),
    fill: fromPromise<SampleResult, UnitInHand>(() => notProvided('fill')),
  },
}).createMachine({
  context: ({ input }) => ({ given: input, unit: undefined, result: undefined }),
  initial: 'reading',
  states: {
    reading: {
      invoke: {
        src: 'read',
        input: ({ context }) => context.given,
        onDone: { target: 'preparing', actions: assign({ unit: ({ event }) => event.output }) },
      },
    },
    preparing: {
      invoke: {
        src: 'prepare',
        input: ({ context }) => filled(context.unit, 'unit'),
        onDone: 'filling',
      },
    },
    filling: {
      invoke: {
        src: 'fill',
        input: ({ context }) => filled(context.unit, 'unit'),
        onDone: { target: 'done', actions: assign({ result: ({ event }) => event.output }) },
      },
    },
    done: { type: 'final' },
  },
  output: ({ context }) => filled(context.result, 'result'),
});
