import pLimit from 'p-limit';
import { messageOf, PermanentError, TransientError } from '../../../shared/contract/failure.ts';
import type { Outcome } from '../../../shared/contract/work.ts';
import { withDeadline } from '../../../shared/process/deadline.ts';
import { type Note, type ScorerChild, ScorerDiedError, startScorer } from './child.ts';
import { anotherScorer, questionOf, unscoredFor } from './protocol.ts';
import type { Scorer } from './scorer.ts';

/** Until the first line: a program may load a model before. */
const START_DEADLINE_MS = 300_000;

export interface CommandScorerProfile {
  readonly command: readonly string[];
  /** Names of the environment variables that it may see. */
  readonly variables: readonly string[];
  readonly deadlineMs: number;
}

/**
 * A scorer program: one process for this peer, started at the first question, asked one at a time. A text with which it dies is asked again of a
 * new process, once; one with which it hangs is not. Either is unscored then. One that cannot be started is a PermanentError, and a
 * TransientError where it could be before.
 */
export function createCommandScorer(
  { command, variables, deadlineMs }: CommandScorerProfile,
  note: Note,
): Scorer {
  const oneAtATime = pLimit(1);
  let child: ScorerChild | undefined;
  let name: string | undefined;

  async function running(signal: AbortSignal): Promise<ScorerChild> {
    signal.throwIfAborted();
    if (child?.alive === true) return child;
    const started = startScorer(command, variables, note);
    child = started;
    const said = await greetingOf(started, signal);
    if (name !== undefined && said !== name) {
      discard(started);
      throw new PermanentError(anotherScorer(said, name));
    }
    name = said;
    return started;
  }

  async function greetingOf(started: ScorerChild, signal: AbortSignal): Promise<string> {
    try {
      return await withDeadline(START_DEADLINE_MS, signal, (limit) => started.greeting(limit));
    } catch (error) {
      discard(started);
      signal.throwIfAborted();
      const message = `cannot start the scorer ${command.join(' ')}: ${messageOf(error)}`;
      throw name === undefined
        ? new PermanentError(message, { cause: error })
        : new TransientError(message, { cause: error });
    }
  }

  function discard(unusable: ScorerChild): void {
    unusable.kill();
    if (child === unusable) child = undefined;
  }

  async function answerOf(
    question: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
    isRetry: boolean,
  ): Promise<Outcome> {
    const asked = await running(signal);
    try {
      return await withDeadline(deadlineMs, signal, (limit) => asked.ask(question, limit));
    } catch (error) {
      signal.throwIfAborted();
      discard(asked);
      if (!(error instanceof ScorerDiedError))
        return unscoredFor(
          'provider-error',
          `the scorer gave no answer in ${deadlineMs} ms and was killed`,
        );
      if (!isRetry) return answerOf(question, signal, true);
      return unscoredFor('provider-error', `killed the scorer twice (${error.message})`);
    }
  }

  return {
    kind: 'command',
    identity: (signal) =>
      oneAtATime(async () => {
        if (name === undefined) await running(signal);
        return name ?? null;
      }),
    score: (row, answer, signal) =>
      oneAtATime(() => answerOf(questionOf(row, answer), signal, false)),
    close: async () => {
      await child?.end();
    },
  };
}
