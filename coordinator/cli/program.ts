import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CommandError, exits } from './exit.ts';

/**
 * Runs another program of ours, by its path in `dist`, on this terminal, and gives its exit code. Roles are started, never imported.
 * The child has an IPC channel: when this process goes, it goes too.
 */
export async function runProgram(
  path: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<number> {
  const file = fileURLToPath(import.meta.resolve(`../../${path}`));
  const child = spawn(process.execPath, [file, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env,
  });
  signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? exits.failed;
}

/** The JSON values that another program of ours prints, one a line. Throws CommandError with `failure` and its own words where it fails. */
export async function* readProgram(
  path: string,
  args: readonly string[],
  failure: number,
): AsyncGenerator {
  const file = fileURLToPath(import.meta.resolve(`../../${path}`));
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  try {
    for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line);
    if ((await ended) !== 0) throw new CommandError(failure, complaint.trim());
  } finally {
    child.kill();
  }
}
