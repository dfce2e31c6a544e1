import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** The clone's one entry: `start`, `test`, and every command of `reset-loop`. */
export const bootstrap = fileURLToPath(
  new URL('../../../../deploy/local/bootstrap.mjs', import.meta.url),
);

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs `reset-loop <args>` as a user does, to its end. */
export async function resetLoop(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  signal?: AbortSignal,
): Promise<Ended> {
  const child = spawn(process.execPath, [bootstrap, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, RESET_NATS_URL: undefined, ...env },
  });
  signal?.addEventListener('abort', () => child.kill('SIGINT'), { once: true });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}
