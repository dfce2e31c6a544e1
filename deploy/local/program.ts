import { constants } from 'node:os';
import { messageOf } from '../../shared/contract/failure.ts';

/** Signals of a user: `soft` asks to end in order, `hard` not to wait for it. */
export interface StopSignals {
  soft: AbortSignal;
  hard: AbortSignal;
}

/** Tells a user one line, beside whatever goes to stdout. */
export function say(line: string): void {
  process.stderr.write(`reset-loop: ${line}\n`);
}

/** Runs a program that Ctrl-C ends, and sets the exit code: its own, 1 with a message where it throws, 128 + n after signal n. */
export async function runProgram(work: (signals: StopSignals) => Promise<number>): Promise<void> {
  const soft = new AbortController();
  const hard = new AbortController();
  let endedBy: NodeJS.Signals | undefined;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      (endedBy === undefined ? soft : hard).abort();
      endedBy ??= name;
    });
  }
  const ended = (): NodeJS.Signals | undefined => endedBy;
  let code = 1;
  try {
    code = await work({ soft: soft.signal, hard: hard.signal });
  } catch (error) {
    if (ended() === undefined) say(messageOf(error));
  }
  const signal = ended();
  process.exitCode = signal === undefined ? code : 128 + constants.signals[signal];
}

/** The arguments of a program, or undefined after the user was told what is wrong with them: then the exit code is 2. */
export function readOrExplain<T>(
  read: (args: readonly string[]) => T,
  usage: string,
): T | undefined {
  try {
    return read(process.argv.slice(2));
  } catch (error) {
    say(`${messageOf(error)}\n\n${usage}`);
    process.exitCode = 2;
    return undefined;
  }
}
