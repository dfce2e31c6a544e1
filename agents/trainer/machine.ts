import { assign, fromCallback, fromPromise, setup } from 'xstate';
import { messageOf } from '../../shared/contract/failure.ts';
import type { TrainOutcome, TrainProgress, TrainRequest } from '../../shared/contract/steps.ts';
import type { TrainingResult } from '../../shared/contract/training.ts';

/** What the job's folder shows. The machine decides from this alone, so it may die anywhere. */
export interface JobFacts {
  outcome: TrainOutcome | undefined;
  result: TrainingResult | undefined;
  /** The running program's process, whoever started it. */
  program: number | undefined;
  hasDataset: boolean;
  /** Last step in `progress.jsonl`. */
  step: number;
}

export type JobEvent =
  | { type: 'progress.made'; progress: TrainProgress }
  /** The program has ended, with or without a result. */
  | { type: 'program.ended' }
  | { type: 'watch.broke'; error: unknown };

interface JobContext {
  request: TrainRequest;
  facts: JobFacts | undefined;
  progress: TrainProgress;
  /** Deaths of the program without a result since it last made a step. */
  deaths: number;
  stepAtDeath: number;
  trouble: string | undefined;
}

const DEATHS = 3;

/**
 * Carries one training job from its request to a published checkpoint.
 *
 *   inspecting ─► routing ─┬─► done                      an outcome is stored
 *        ▲                 ├─► publishing ─► inspecting  the program left a result
 *        │                 ├─► watching ───► inspecting  the program runs
 *        │                 ├─► launching ──► watching    the dataset is here
 *        └── waiting ◄─────┴─► fetching ───► inspecting
 *
 * T1. Every route is a function of the job's folder and the process table; a restart goes on where the folder stands.
 * T2. At most one program works on a job: one that runs already is watched, not started again.
 * T3. The outcome is stored after the checkpoint is in place, and never changes under the same attempt.
 * T4. A program that dies three times without a step in between has failed; before that it resumes from its own state.
 */
export const jobMachine = setup({
  types: {
    context: {} as JobContext,
    events: {} as JobEvent,
    input: {} as { request: TrainRequest },
    output: {} as TrainOutcome,
  },
  actors: {
    inspect: fromPromise<JobFacts, TrainRequest>(() => notProvided('inspect')),
    fetch: fromPromise<void, TrainRequest>(() => notProvided('fetch')),
    launch: fromPromise<void, TrainRequest>(() => notProvided('launch')),
    watch: fromCallback<JobEvent, TrainRequest>(() => notProvided('watch')),
    publish: fromPromise<void, TrainRequest>(() => notProvided('publish')),
    giveUp: fromPromise<void, { request: TrainRequest; reason: string }>(() =>
      notProvided('giveUp'),
    ),
  },
  guards: {
    hasOutcome: ({ context }) => context.facts?.outcome !== undefined,
    hasResult: ({ context }) => context.facts?.result !== undefined,
    isRunning: ({ context }) => context.facts?.program !== undefined,
    hasDataset: ({ context }) => context.facts?.hasDataset === true,
    keepsDying: ({ context }) => context.deaths >= DEATHS,
    isGiven: ({ context }) => context.request.dataset === null,
  },
  actions: {
    see: assign((_, facts: JobFacts) => ({ facts })),
    advance: assign((_, progress: TrainProgress) => ({ progress, trouble: undefined })),
    enter: assign(({ context }, phase: TrainProgress['phase']) => ({
      progress: { ...context.progress, phase },
    })),
    countDeath: assign(({ context }) => ({
      deaths: context.progress.at > context.stepAtDeath ? 1 : context.deaths + 1,
      stepAtDeath: context.progress.at,
    })),
    complain: assign((_, { error }: { error: unknown }) => ({ trouble: messageOf(error) })),
  },
  delays: { retry: 1_000 },
}).createMachine({
  id: 'job',
  context: ({ input }) => ({
    request: input.request,
    facts: undefined,
    progress: {
      step: input.request.step,
      phase: 'fetching',
      at: 0,
      of: 0,
      loss: null,
      tokensPerSecond: null,
    },
    deaths: 0,
    stepAtDeath: 0,
    trouble: undefined,
  }),
  initial: 'inspecting',
  states: {
    inspecting: {
      invoke: {
        src: 'inspect',
        input: ({ context }) => context.request,
        onDone: {
          target: 'routing',
          actions: { type: 'see', params: ({ event }) => event.output },
        },
        onError: {
          target: 'waiting',
          actions: { type: 'complain', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    routing: {
      always: [
        { guard: 'hasOutcome', target: 'done' },
        { guard: 'hasResult', target: 'publishing' },
        { guard: 'isGiven', target: 'publishing' },
        { guard: 'isRunning', target: 'watching' },
        { guard: 'keepsDying', target: 'givingUp' },
        { guard: 'hasDataset', target: 'launching' },
        { target: 'fetching' },
      ],
    },
    fetching: {
      entry: { type: 'enter', params: 'fetching' },
      invoke: {
        src: 'fetch',
        input: ({ context }) => context.request,
        onDone: 'inspecting',
        onError: {
          target: 'waiting',
          actions: { type: 'complain', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    launching: {
      invoke: {
        src: 'launch',
        input: ({ context }) => context.request,
        onDone: 'watching',
        onError: {
          target: 'waiting',
          actions: { type: 'complain', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    watching: {
      entry: { type: 'enter', params: 'training' },
      invoke: { src: 'watch', input: ({ context }) => context.request },
      on: {
        'progress.made': { actions: { type: 'advance', params: ({ event }) => event.progress } },
        'program.ended': { target: 'inspecting', actions: 'countDeath' },
        'watch.broke': {
          target: 'waiting',
          actions: { type: 'complain', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    publishing: {
      entry: { type: 'enter', params: 'publishing' },
      invoke: {
        src: 'publish',
        input: ({ context }) => context.request,
        onDone: 'inspecting',
        onError: {
          target: 'waiting',
          actions: { type: 'complain', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    givingUp: {
      invoke: {
        src: 'giveUp',
        input: ({ context }) => ({
          request: context.request,
          reason: `the training program died ${DEATHS} times at step ${context.stepAtDeath} without a result: see program.log in the job folder`,
        }),
        onDone: 'inspecting',
        onError: {
          target: 'waiting',
          actions: { type: 'complain', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    waiting: { after: { retry: 'inspecting' } },
    done: { type: 'final', entry: { type: 'enter', params: 'done' } },
  },
  output: ({ context }) =>
    context.facts?.outcome ?? { outcome: 'failed', kind: 'bug', reason: 'done without an outcome' },
});

function notProvided(name: string): never {
  throw new Error(`actor ${name} is not provided`);
}
