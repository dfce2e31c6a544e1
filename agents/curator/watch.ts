import type { StepProgress } from '../../shared/contract/steps.ts';
import { PermanentError } from '../../shared/contract/failure.ts';
import type { Clock } from '../../shared/process/clock.ts';
import { sleepUnless } from './dispatch/wake.ts';
import { type Run, taskKey } from './run.ts';
import type { TaskActor, TaskOutcome } from './step/machine.ts';

/** A watcher hears at most four times a second, and at once when the task ends. */
const PROGRESS_MS = 250;

export type TaskEvent = { progress: StepProgress } | { outcome: TaskOutcome };

/**
 * How a task goes on, until it has an outcome. `current` returns its actor, which is another one after the task was started again.
 * PermanentError where it failed.
 */
export async function* watchTask(
  run: Run,
  current: () => TaskActor,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent> {
  let shown = '';
  while (!signal.aborted) {
    const actor = current();
    const { value, context } = actor.getSnapshot();
    if (context.failure !== null) throw new PermanentError(context.failure);
    if (context.outcome !== null) {
      yield { outcome: context.outcome };
      return;
    }
    if (value === 'done' || value === 'failed') return;
    const { step, task } = context.request;
    const board = run.boards.get(taskKey(step, task));
    const progress =
      value === 'planning' || board === undefined ? planning(step) : board.progress(value);
    const text = JSON.stringify(progress);
    if (text !== shown) yield { progress };
    shown = text;
    await untilEnd(actor, clock, signal);
  }
}

function planning(step: string): StepProgress {
  return { step, phase: 'planning', queues: {}, candidates: 0, unscored: {}, usd: 0 };
}

/** Returns after PROGRESS_MS, when the actor ends, or when the signal aborts. */
async function untilEnd(actor: TaskActor, clock: Clock, signal: AbortSignal): Promise<void> {
  const ended = new AbortController();
  const subscription = actor.subscribe({
    complete: () => {
      ended.abort();
    },
  });
  await sleepUnless(clock, PROGRESS_MS, [signal, ended.signal]);
  subscription.unsubscribe();
}
