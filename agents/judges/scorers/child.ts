/**
 * One process of a scorer program: protocol.ts over JSON lines. Its first line, once it can answer, is `{"scorer":"name@version"}`; then
 * each line in has an `id` and gets one line out with the same. At the end of its input it must end.
 *
 * I1. It leads a process group of its own, and nothing of the group is left when it has ended.
 * I2. One question is open at a time, so a death or a bad line is about that one.
 */
import { spawn } from 'node:child_process';
import { z } from 'zod';
import { PermanentError } from '../../../shared/contract/failure.ts';
import type { Outcome } from '../../../shared/contract/work.ts';
import { programEnvironment } from '../../../shared/process/program-environment.ts';
import { untilAborted } from '../../../shared/process/signal.ts';
import { readLines } from './lines.ts';
import {
  type Decoded,
  decodeAnswer,
  malformed,
  MAX_ANSWER_BYTES,
  ScorerName,
  shortened,
} from './protocol.ts';

const GRACE_MS = 2000;
const MAX_NOTE_BYTES = 500;
const MOST_NOTES = 200;

const Greeting = z.object({ scorer: ScorerName });

/** Told what a program says on stderr, line by line. Long lines are cut, and of one process no more than 200 are told. */
export type Note = (line: string) => void;

/** The program ended, or was ended for what it did. The message says how, with its last words. */
export class ScorerDiedError extends Error {
  override readonly name = 'ScorerDiedError';
}

export interface ScorerChild {
  readonly alive: boolean;
  /** What it called itself. Rejects with ScorerDiedError where it ended before, with PermanentError for another first line. */
  greeting(signal: AbortSignal): Promise<string>;
  /** Rejects with ScorerDiedError where it ends with the question open. */
  ask(question: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<Outcome>;
  /** At once, and all that it has started. */
  kill(): void;
  /** Asks it to end, by the end of its input and SIGTERM; kills it after 2 s. */
  end(): Promise<void>;
}

/** Starts the program, without a shell and without what our environment has beyond `variables` and the like of PATH. One that cannot be started has ended at once, with the reason. */
export function startScorer(
  command: readonly string[],
  variables: readonly string[],
  note: Note,
): ScorerChild {
  const [file = '', ...args] = command;
  const child = spawn(file, args, {
    detached: true,
    stdio: 'pipe',
    env: programEnvironment(variables),
  });
  const greeting = waiting<string>();
  const ended = waiting<undefined>();
  let open: ({ readonly id: number } & Waiting<Outcome>) | undefined;
  let lastId = 0;
  let greeted = false;
  let alive = true;
  let lastWords = '';
  let notes = 0;

  function onLine(line: string, whole: boolean): void {
    if (!greeted) {
      greeted = true;
      greet(nameIn(line), line);
    } else if (!whole) {
      settle(malformed(`it is longer than ${MAX_ANSWER_BYTES} bytes`));
      kill();
    } else onAnswer(decodeAnswer(line));
  }

  function greet(name: string | undefined, line: string): void {
    if (name !== undefined) {
      greeting.resolve(name);
      return;
    }
    const problem = `the first line of the scorer ${file} must be {"scorer":"name@version"}, not: ${shortened(line, 100)}`;
    greeting.reject(new PermanentError(problem));
    kill();
  }

  function onAnswer({ id, outcome }: Decoded): void {
    if (open === undefined || id === open.id) settle(outcome);
    else if (id === null) {
      const isAnswer = outcome.outcome === 'scored' || outcome.cause === undefined;
      settle(isAnswer ? malformed('it has no id') : outcome);
    } else if (id > open.id) {
      settle(malformed(`it has the id ${id}, and ${open.id} was asked`));
      kill();
    }
    // A lower id: a second answer, or one to a question that was given up.
  }

  function settle(outcome: Outcome): void {
    open?.resolve(outcome);
    open = undefined;
  }

  function onEnd(how: string): void {
    if (!alive) return;
    alive = false;
    const error = new ScorerDiedError(lastWords === '' ? how : `${how}: ${lastWords}`);
    greeting.reject(error);
    open?.reject(error);
    ended.resolve(undefined);
  }

  function kill(): void {
    signalGroup(child.pid, 'SIGKILL');
  }

  readLines(child.stdout, MAX_ANSWER_BYTES, onLine);
  readLines(child.stderr, MAX_NOTE_BYTES, (line) => {
    lastWords = line;
    notes += 1;
    if (notes < MOST_NOTES) note(line);
    else if (notes === MOST_NOTES) note('(what it says from here on is not logged)');
  });
  // Writing to a program that has ended; its end says why.
  child.stdin.on('error', () => undefined);
  child.on('error', (error) => {
    if (child.pid === undefined) onEnd(error.message);
  });
  // What it has started holds its pipes open.
  child.once('exit', kill);
  child.once('close', (code: number | null, signal: NodeJS.Signals | null) => {
    onEnd(signal ?? `exit code ${code}`);
  });

  return {
    get alive() {
      return alive;
    },
    greeting: (signal) => untilAborted(greeting.promise, signal),
    ask: async (question, signal) => {
      if (!alive) throw new ScorerDiedError('it has ended');
      const answer = waiting<Outcome>();
      const id = (lastId += 1);
      open = { id, ...answer };
      child.stdin.write(`${JSON.stringify({ id, ...question })}\n`);
      try {
        return await untilAborted(answer.promise, signal);
      } finally {
        open = undefined;
      }
    },
    kill,
    end: async () => {
      child.stdin.end();
      signalGroup(child.pid, 'SIGTERM');
      const force = setTimeout(kill, GRACE_MS);
      await ended.promise;
      clearTimeout(force);
    },
  };
}

interface Waiting<TValue> {
  readonly promise: Promise<TValue>;
  readonly resolve: (value: TValue) => void;
  readonly reject: (error: Error) => void;
}

/** A promise to settle from outside; its rejection may come when nobody waits any more. */
function waiting<TValue>(): Waiting<TValue> {
  let settle: Pick<Waiting<TValue>, 'resolve' | 'reject'> | undefined;
  const promise = new Promise<TValue>((resolve, reject) => {
    settle = { resolve, reject };
  });
  promise.catch(() => undefined);
  return {
    promise,
    resolve: (value) => settle?.resolve(value),
    reject: (error) => settle?.reject(error),
  };
}

function nameIn(line: string): string | undefined {
  try {
    return Greeting.safeParse(JSON.parse(line)).data?.scorer;
  } catch {
    return undefined;
  }
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // Nothing of it is left, which is what was asked for.
  }
}
