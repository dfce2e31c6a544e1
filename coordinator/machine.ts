import { assign, fromCallback, fromPromise, setup } from 'xstate';
import type { Fact } from '../shared/contract/facts.ts';
import { messageOf } from '../shared/contract/failure.ts';
import { nextOf, type Next } from './decision/next.ts';

/** A step that can be worked on: its effect is asked for, and the fact that it ended with is what comes back. */
export type Work = Exclude<Next, { kind: 'paused' | 'finished' }>;

export interface Appending {
  run: string;
  /** The length that the journal must have. */
  expected: number;
  fact: Fact;
}

export type RunEvent =
  /** The curator's journal has this many facts now. */
  | { type: 'journal.grew'; length: number }
  /** Whoever does the step in hand has said how far it is. */
  | { type: 'step.advanced' }
  | { type: 'drain.requested' };

interface RunContext {
  run: string;
  journal: readonly Fact[];
  next: Next | undefined;
  fact: Fact | undefined;
  /** What went wrong last, for `status`, until the step advances. */
  trouble: string | undefined;
  /** In a row, without an advance between them. */
  failures: number;
}

/**
 * Drives one run from its journal and nothing else.
 *
 *   loading ─► routing ─┬─► working ─► appending ─► loading
 *                       ├─► paused ──(journal.grew)──► loading
 *                       └─► finished
 *
 * M1. Every decision is a function of the journal: whatever happened before, `loading` decides what is next.
 * M2. A step's fact is appended with the expected length before the next step begins; who loses the race reloads.
 * M3. A journal that grew elsewhere ends the step in hand here; every step may be repeated, so nothing is lost.
 * M4. A failure is tried again, for ever, after a wait that grows until the step advances: only a fact can end a run.
 */
export const runMachine = setup({
  types: {
    context: {} as RunContext,
    events: {} as RunEvent,
    input: {} as { run: string },
  },
  actors: {
    follow: fromCallback<RunEvent, { run: string }>(() => notProvided('follow')),
    load: fromPromise<readonly Fact[], { run: string }>(() => notProvided('load')),
    work: fromPromise<Fact, { run: string; journal: readonly Fact[]; work: Work }>(() =>
      notProvided('work'),
    ),
    append: fromPromise<boolean, Appending>(() => notProvided('append')),
  },
  guards: {
    isPaused: ({ context }) => context.next?.kind === 'paused',
    isFinished: ({ context }) => context.next?.kind === 'finished',
    isTroubled: ({ context }) => context.failures > 0,
    isNews: ({ context, event }) =>
      event.type === 'journal.grew' && event.length > context.journal.length,
  },
  actions: {
    remember: assign((_, journal: readonly Fact[]) => ({ journal, next: nextOf(journal) })),
    hold: assign((_, fact: Fact) => ({ fact })),
    settle: assign({ fact: undefined, trouble: undefined, failures: 0 }),
    recover: assign({ trouble: undefined, failures: 0 }),
    complain: assign(({ context }, { error }: { error: unknown }) => ({
      trouble: messageOf(error),
      failures: context.failures + 1,
    })),
  },
  delays: {
    backoff: ({ context }) => Math.min(10_000, 250 * 2 ** Math.min(context.failures, 6)),
  },
}).createMachine({
  id: 'run',
  context: ({ input }) => ({
    run: input.run,
    journal: [],
    next: undefined,
    fact: undefined,
    trouble: undefined,
    failures: 0,
  }),
  initial: 'loading',
  invoke: { src: 'follow', input: ({ context }) => ({ run: context.run }) },
  on: { 'drain.requested': '.drained' },
  states: {
    loading: {
      invoke: {
        src: 'load',
        input: ({ context }) => ({ run: context.run }),
        onDone: {
          target: 'routing',
          actions: { type: 'remember', params: ({ event }) => event.output },
        },
        onError: {
          target: 'waiting',
          actions: { type: 'complain', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    routing: {
      always: [
        { guard: 'isFinished', target: 'finished' },
        { guard: 'isPaused', target: 'paused' },
        { target: 'working' },
      ],
    },
    working: {
      on: {
        'journal.grew': { guard: 'isNews', target: 'loading' },
        'step.advanced': { guard: 'isTroubled', actions: 'recover' },
      },
      invoke: {
        src: 'work',
        input: ({ context }) => ({
          run: context.run,
          journal: context.journal,
          work: workOf(context),
        }),
        onDone: {
          target: 'appending',
          actions: { type: 'hold', params: ({ event }) => event.output },
        },
        onError: {
          target: 'waiting',
          actions: { type: 'complain', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    appending: {
      invoke: {
        src: 'append',
        input: ({ context }) => ({
          run: context.run,
          expected: context.journal.length,
          fact: factOf(context),
        }),
        onDone: { target: 'loading', actions: 'settle' },
        onError: {
          target: 'waiting',
          actions: { type: 'complain', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    paused: { on: { 'journal.grew': { guard: 'isNews', target: 'loading' } } },
    waiting: {
      on: { 'journal.grew': { guard: 'isNews', target: 'loading' } },
      after: { backoff: 'loading' },
    },
    finished: { type: 'final' },
    drained: { type: 'final' },
  },
});

function workOf({ next }: RunContext): Work {
  if (next === undefined || next.kind === 'paused' || next.kind === 'finished')
    throw new Error('working without work: routing is wrong');
  return next;
}

function factOf({ fact }: RunContext): Fact {
  if (fact === undefined) throw new Error('appending without a fact: working is wrong');
  return fact;
}

function notProvided(name: string): never {
  throw new Error(`actor ${name} is not provided`);
}
