import { spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Child extends AsyncDisposable {
  /** Lines of stdout and stderr so far. */
  readonly lines: readonly string[];
  kill(signal: NodeJS.Signals): void;
  /** Ends its IPC channel, as the death of its parent does. */
  disconnect(): void;
  /** How it ended: an exit code or the name of a signal. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/** Starts a program of test/support/programs as a process of its own. */
export function startProgram(
  name: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Child {
  const program = fileURLToPath(new URL(`./programs/${name}.js`, import.meta.url));
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', 'ipc'];
  const child = spawn(process.execPath, [program, ...args], {
    stdio,
    env: { ...process.env, ...env },
  });
  const lines: string[] = [];
  // Not the event `close`: after disconnect() it does not come.
  const exited = once(child, 'exit');
  const read = [child.stdout, child.stderr].map(async (stream) => {
    if (stream !== null)
      for await (const line of createInterface({ input: stream })) lines.push(line);
  });
  const ended = Promise.all([exited, ...read]).then(
    ([[code, signal]]: [unknown[], ...unknown[]]) => (code ?? signal) as number | NodeJS.Signals,
  );
  return {
    lines,
    ended,
    kill: (signal) => void child.kill(signal),
    disconnect: () => {
      child.disconnect();
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
