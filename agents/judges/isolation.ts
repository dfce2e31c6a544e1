import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { PermanentError, TransientError } from '../../shared/contract/failure.ts';
import type { JudgeSpec } from '../../shared/contract/run-file.ts';
import type { Outcome } from '../../shared/contract/work.ts';
import { withDeadline } from '../../shared/process/deadline.ts';
import type { Ask } from './ask.ts';
import { StopError } from './stop.ts';

const program = fileURLToPath(new URL('alone.js', import.meta.url));

/** A text that takes longer has made its judge hang. */
const TEXT_DEADLINE_MS = 60_000;

/** What the child says of a question. */
export type Reply =
  { outcome: Outcome } | { transient: string } | { stop: string } | { failure: string };

export interface Isolated {
  ask: Ask;
  close(): void;
}

/** Asks a judge in a child process, one text at a time. A text whose child dies or hangs is unscored, and the next one gets a new child. */
export function isolate(judge: JudgeSpec): Isolated {
  let child: ChildProcess | undefined;

  async function replyOf(running: ChildProcess, message: object, signal: AbortSignal) {
    const gone = new AbortController();
    const until = AbortSignal.any([signal, gone.signal]);
    const onExit = (code: number | null, killedBy: string | null): void => {
      gone.abort(new PermanentError(killedBy ?? `exit code ${code ?? 'unknown'}`));
    };
    running.once('exit', onExit);
    try {
      // A child that dies at once breaks the channel; its end says why.
      running.send({ judge, ...message }, () => undefined);
      const [reply] = (await once(running, 'message', { signal: until })) as [Reply];
      return reply;
    } catch (error) {
      signal.throwIfAborted();
      if (!gone.signal.aborted) throw error;
      return { died: (gone.signal.reason as Error).message };
    } finally {
      running.off('exit', onExit);
    }
  }

  function start(): ChildProcess {
    const started = fork(program, { execArgv: [] });
    started.once('exit', () => {
      if (child === started) child = undefined;
    });
    child = started;
    return started;
  }

  function kill(): void {
    child?.kill('SIGKILL');
    child = undefined;
  }

  return {
    ask: async (question, signal) => {
      const running = child ?? start();
      try {
        const reply = await withDeadline(TEXT_DEADLINE_MS, signal, (limit) =>
          replyOf(running, { question }, limit),
        );
        if ('died' in reply)
          return { outcome: 'unscored', reason: `killed its process (${reply.died})` };
        if ('outcome' in reply) return reply.outcome;
        if ('transient' in reply) throw new TransientError(reply.transient);
        if ('stop' in reply) throw new StopError(reply.stop);
        return { outcome: 'unscored', reason: `the judge failed: ${reply.failure}` };
      } catch (error) {
        if (error instanceof TransientError || error instanceof StopError) throw error;
        kill();
        signal.throwIfAborted();
        return {
          outcome: 'unscored',
          reason: `killed its process (no answer in ${TEXT_DEADLINE_MS / 1000} s)`,
        };
      }
    },
    close: kill,
  };
}
