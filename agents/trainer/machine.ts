import { assign, fromCallback, fromPromise, setup } from 'xstate';
import { messageOf } from '../../shared/contract/failure.ts';
import type { TrainOutcome, TrainProgress, TrainRequest } from '../../shared/contract/steps.ts';
import type { Attempt } from './job/attempts.ts';
import { nextOf, type Next } from './job/policy.ts';
import type { Exit, Sighting } from './launch/launcher.ts';

/** What the job's folder and its launcher show. The machine decides from this alone, so it may die anywhere. */
export interface JobFacts {
  outcome: TrainOutcome | undefined;
  cancelled: boolean;
  attempts: readonly Attempt[];
  /** Of the attempt in hand; absent where there is none. */
  sighting: Sighting;
  hasDataset: boolean;
}

export type JobEvent =
  | { type: 'progress.made'; progress: TrainProgress }
  /** The attempt has ended, or was ended by the watchdog. */
  | { type: 'program.ended'; ending: Exit | 'stalled' }
  | { type: 'watch.broke'; error: unknown }
  | { type: 'cancel.requested' };

interface JobContext {
  request: TrainRequest;
  /** Rows that a process takes at once, as the profile says. */
  microBatch: number | null;
  facts: JobFacts | undefined;
  progress: TrainProgress;
  ending: Exit | 'stalled';
  /** Ends that this process has watched. */
  seen: number;
  problems: readonly string[];
  trouble: string | undefined;
}

const UNKNOWN: Exit = { code: null };

/**
 * Carries one training job from its request to a published checkpoint.
 *
 *   inspecting ─► routing ─┬─► done                                    an outcome is stored
 *        ▲                 ├─► publishing ─► inspecting                a given model
 *        │                 ├─► watching ─► closing                     the attempt goes on
 *        │                 ├─► closing ─┬─► publishing ─► inspecting   the attempt has succeeded
 *        │                 │            └─► inspecting                 its failure is filed
 *        │                 ├─► cancelling ─► inspecting              its end was asked for, at any time but while it is published
 *        │                 ├─► givingUp ─► inspecting                  the policy says that more attempts would not help
 *        │                 ├─► launching ─► watching                   the dataset is here
 *        └── waiting ◄─────┴─► fetching ─► inspecting
 *
 * T1. Every route is a function of the job's folder and of what its launcher sees; a restart goes on where they stand.
 * T2. At most one program works on a job: one that runs already is watched, not started again.
 * T3. The outcome is stored after the checkpoint is in place, and never changes under the same attempt.
 * T4. An attempt has succeeded where its result proves it (`judge`); what follows a failure is a function of all of them (`policy`).
 */
export const jobMachine = setup({
  types: {
    context: {} as JobContext,
    events: {} as JobEvent,
    input: {} as { request: TrainRequest; microBatch: number | null },
    output: {} as TrainOutcome,
  },
  actors: {
    inspect: fromPromise<JobFacts, TrainRequest>(() => notProvided('inspect')),
    fetch: fromPromise<void, TrainRequest>(() => notProvided('fetch')),
    launch: fromPromise<string[], { request: TrainRequest; microBatch: number | null }>(() =>
      notProvided('launch'),
    ),
    watch: fromCallback<JobEvent, TrainRequest>(() => notProvided('watch')),
    close: fromPromise<boolean, { request: TrainRequest; ending: Exit | 'stalled' }>(() =>
      notProvided('close'),
    ),
    publish: fromPromise<void, TrainRequest>(() => notProvided('publish')),
    cancel: fromPromise<void, TrainRequest>(() => notProvided('cancel')),
    giveUp: fromPromise<void, { request: TrainRequest; end: { kind: string; reason: string } }>(
      () => notProvided('giveUp'),
    ),
  },
  guards: {
    hasOutcome: ({ context }) => context.facts?.outcome !== undefined,
    isCancelled: ({ context }) => context.facts?.cancelled === true,
    goesOn: ({ context: { facts } }) =>
      facts?.sighting.state === 'running' || facts?.sighting.state === 'queued',
    hasEnded: ({ context }) => context.facts?.sighting.state === 'ended',
    isOver: ({ context }) => next(context).next === 'end',
    hasDataset: ({ context }) => context.facts?.hasDataset === true,
    isGiven: ({ context }) => context.request.dataset === null,
  },
  actions: {
    see: assign((_, facts: JobFacts) => ({
      facts,
      ending: facts.sighting.state === 'ended' ? facts.sighting.exit : UNKNOWN,
    })),
    advance: assign((_, progress: TrainProgress) => ({ progress, trouble: undefined })),
    enter: assign(({ context }, phase: TrainProgress['phase']) => ({
      progress: { ...context.progress, phase },
    })),
    witness: assign(({ context }, ending: Exit | 'stalled') => ({
      ending,
      seen: context.seen + 1,
    })),
    hold: assign((_, problems: readonly string[]) => ({ problems })),
    complain: assign((_, { error }: { error: unknown }) => ({ trouble: messageOf(error) })),
  },
  delays: { retry: 1_000 },
}).createMachine({
  id: 'job',
  context: ({ input }) => ({
    request: input.request,
    microBatch: input.microBatch,
    facts: undefined,
    progress: {
      step: input.request.step,
      phase: 'fetching',
      at: 0,
      of: 0,
      loss: null,
      tokensPerSecond: null,
    },
    ending: UNKNOWN,
    seen: 0,
    problems: [],
    trouble: undefined,
  }),
  initial: 'inspecting',
  on: { 'cancel.requested': '.cancelling' },
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
        { guard: 'isCancelled', target: 'cancelling' },
        { guard: 'isGiven', target: 'publishing' },
        { guard: 'goesOn', target: 'watching' },
        { guard: 'hasEnded', target: 'closing' },
        { guard: 'isOver', target: 'givingUp' },
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
        input: ({ context }) => ({ request: context.request, microBatch: microBatchOf(context) }),
        onDone: [
          {
            guard: ({ event }) => event.output.length > 0,
            target: 'givingUp',
            actions: { type: 'hold', params: ({ event }) => event.output },
          },
          'watching',
        ],
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
        'program.ended': {
          target: 'closing',
          actions: { type: 'witness', params: ({ event }) => event.ending },
        },
        'watch.broke': {
          target: 'waiting',
          actions: { type: 'complain', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    closing: {
      invoke: {
        src: 'close',
        input: ({ context: { request, ending } }) => ({ request, ending }),
        onDone: [{ guard: ({ event }) => event.output, target: 'publishing' }, 'inspecting'],
        onError: {
          target: 'waiting',
          actions: { type: 'complain', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    publishing: {
      on: { 'cancel.requested': {} },
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
    cancelling: {
      on: { 'cancel.requested': {} },
      invoke: {
        src: 'cancel',
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
        input: ({ context }) => ({ request: context.request, end: endOf(context) }),
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

function next({ facts, seen, microBatch }: JobContext): Next {
  return nextOf(facts?.attempts ?? [], seen, microBatch);
}

function microBatchOf(context: JobContext): number | null {
  const what = next(context);
  return what.next === 'attempt' ? what.microBatch : null;
}

/** What hinders the job, or what the policy says after its last failure. */
function endOf(context: JobContext): { kind: string; reason: string } {
  const what = next(context);
  if (what.next === 'end') return { kind: what.kind, reason: what.reason };
  return { kind: 'not-ready', reason: context.problems.join('; ') };
}

function notProvided(name: string): never {
  throw new Error(`actor ${name} is not provided`);
}
