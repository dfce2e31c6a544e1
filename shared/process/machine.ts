import { type AnyActor, type OutputFrom, toPromise } from 'xstate';
import { onAbort } from './signal.ts';

/** What stands in a machine's `setup` for an actor that `actors.ts` provides; reaching it means that the wiring was forgotten. */
export function notProvided(actor: string): never {
  throw new Error(`the actor ${actor} was not provided`);
}

/** Starts an actor and returns its output; rejects with the error of one that failed. When the signal aborts it is stopped, without output. */
export async function outputOf<TActor extends AnyActor>(
  actor: TActor,
  signal?: AbortSignal,
): Promise<OutputFrom<TActor>> {
  const output = toPromise(actor);
  const stop = (): void => {
    actor.stop();
  };
  actor.start();
  if (signal !== undefined) onAbort(signal, stop);
  try {
    return await output;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** A part of a machine's context that an earlier state has filled. */
export function filled<TValue>(value: TValue | undefined, what: string): TValue {
  if (value === undefined) throw new Error(`there is no ${what} yet`);
  return value;
}
