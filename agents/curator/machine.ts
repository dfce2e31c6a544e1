/**
 * The curator holds runs, and for each step of a run that was asked for a task.
 *
 *   loading --> serving --drain.requested--> draining --> stopped
 *                  └-------broke-----------> broken
 *
 * K1. A run's answers are read and its work is offered from the moment it is known, whether or not anyone watches.
 * K2. A task runs once; asked for with a higher attempt, or after it failed, it starts again from the ledger. While it is sealing it
 *     comes to its end first.
 * K3. Draining ends every loop and waits for the commit in hand; nothing is left that writes.
 * K4. What cannot be written to the ledger ends the curator: nothing is acked, and a restart goes on from what is durable.
 */
import {
  type ActorRefFrom,
  assign,
  enqueueActions,
  fromCallback,
  fromPromise,
  setup,
  stopChild,
} from 'xstate';
import { messageOf } from '../../shared/contract/failure.ts';
import { type TaskActor, taskMachine } from './step/machine.ts';
import type { TaskRequest } from './step/plan.ts';

export type CuratorEvent =
  | { type: 'run.opened'; run: string }
  | { type: 'run.refused'; run: string; reason: string }
  | { type: 'task.requested'; request: TaskRequest }
  | { type: 'broke'; error: unknown }
  | { type: 'drain.requested' };

/** What the ledger holds at start. */
export interface Loaded {
  readonly runs: readonly string[];
  readonly tasks: readonly TaskRequest[];
}

interface CuratorContext {
  runs: Readonly<Record<string, ActorRefFrom<ReturnType<typeof runLogic>>>>;
  tasks: Readonly<Record<string, TaskActor>>;
  /** Runs that belong to another ledger, and what to do. */
  refused: Readonly<Record<string, string>>;
  failure: Error | null;
}

function runLogic() {
  return fromCallback<CuratorEvent, { run: string }>(() => notProvided('run'));
}

/** Names a task among all of the curator's. */
export function taskId({ run, step, task }: Pick<TaskRequest, 'run' | 'step' | 'task'>): string {
  return `${run}/${step}/${task}`;
}

function mayStart({ tasks }: CuratorContext, request: TaskRequest): boolean {
  const running = tasks[taskId(request)]?.getSnapshot();
  if (running === undefined || running.value === 'failed') return true;
  return running.value !== 'sealing' && request.attempt > running.context.request.attempt;
}

export const curatorMachine = setup({
  types: {
    context: {} as CuratorContext,
    events: {} as CuratorEvent,
    output: {} as { failure: Error | null },
  },
  actors: {
    load: fromPromise<Loaded>(() => notProvided('load')),
    /** Returns when no effect of a run or a task is in hand. */
    drain: fromPromise<undefined>(() => notProvided('drain')),
    run: runLogic(),
    task: taskMachine,
  },
  actions: {
    holdRuns: assign({
      runs: ({ context, spawn }, params: { runs: readonly string[] }) => ({
        ...context.runs,
        ...Object.fromEntries(
          params.runs.map((run) => [run, spawn('run', { id: run, input: { run } })]),
        ),
      }),
    }),
    startTasks: assign({
      tasks: ({ context, spawn }, params: { tasks: readonly TaskRequest[] }) => ({
        ...context.tasks,
        ...Object.fromEntries(
          params.tasks.map((request) => {
            const id = taskId(request);
            return [id, spawn('task', { id, input: request })];
          }),
        ),
      }),
    }),
    stopAll: enqueueActions(({ context, enqueue }) => {
      for (const id of [...Object.keys(context.runs), ...Object.keys(context.tasks)])
        enqueue.stopChild(id);
    }),
    refuse: assign({
      refused: ({ context }, params: { run: string; reason: string }) => ({
        ...context.refused,
        [params.run]: params.reason,
      }),
    }),
    fail: assign({ failure: (_, params: { error: unknown }) => asError(params.error) }),
  },
}).createMachine({
  id: 'curator',
  context: { runs: {}, tasks: {}, refused: {}, failure: null },
  initial: 'loading',
  on: {
    broke: {
      target: '.broken',
      actions: { type: 'fail', params: ({ event }) => ({ error: event.error }) },
    },
    'drain.requested': '.draining',
  },
  states: {
    loading: {
      invoke: {
        src: 'load',
        onDone: {
          target: 'serving',
          actions: [
            { type: 'holdRuns', params: ({ event }) => ({ runs: event.output.runs }) },
            { type: 'startTasks', params: ({ event }) => ({ tasks: event.output.tasks }) },
          ],
        },
        onError: {
          target: 'broken',
          actions: { type: 'fail', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    serving: {
      on: {
        'run.opened': {
          actions: { type: 'holdRuns', params: ({ event }) => ({ runs: [event.run] }) },
        },
        'run.refused': { actions: { type: 'refuse', params: ({ event }) => event } },
        'task.requested': {
          guard: ({ context, event }) => mayStart(context, event.request),
          actions: [
            stopChild(({ event }) => taskId(event.request)),
            { type: 'startTasks', params: ({ event }) => ({ tasks: [event.request] }) },
          ],
        },
      },
    },
    draining: {
      entry: 'stopAll',
      invoke: { src: 'drain', onDone: 'stopped', onError: 'stopped' },
    },
    stopped: { type: 'final' },
    broken: { type: 'final' },
  },
  output: ({ context }) => ({ failure: context.failure }),
});

function notProvided(actor: string): never {
  throw new Error(`${actor} is not provided: createCurator wires the actors`);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(messageOf(error));
}
