import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { programPath } from './paths.ts';

/**
 * Runs a command of `reset-loop` on the state folder `state` and gives the lines of its `--json`. Throws with its last words where it
 * fails, and where the run that it follows is paused. It ends with this process.
 */
export async function* linesOf(
  args: readonly string[],
  state: string,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const cli = programPath('coordinator/cli/main.js');
  const child = spawn(process.execPath, [cli, ...args, '--state', state, '--json'], {
    // The state folder names the bus, whatever bus the environment names.
    env: { ...process.env, RESET_NATS_URL: undefined },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  // It is awaited when the lines have ended.
  ended.catch(() => undefined);
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const end = (): void => {
    child.kill('SIGTERM');
  };
  signal.addEventListener('abort', end, { once: true });
  try {
    signal.throwIfAborted();
    if (child.stdout !== null) yield* createInterface({ input: child.stdout });
    const code = await ended;
    signal.throwIfAborted();
    if (code !== 0) throw new Error(lastWords(args, code, complaint));
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

function lastWords(args: readonly string[], code: number | null, complaint: string): string {
  const failure = z.object({ message: z.string() });
  const said = complaint.trim().split('\n').at(-1) ?? '';
  try {
    return failure.parse(JSON.parse(said)).message;
  } catch {
    return `reset-loop ${args.join(' ')} ended with code ${String(code)}${said === '' ? '' : `: ${said}`}`;
  }
}
