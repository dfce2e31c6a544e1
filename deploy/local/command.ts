import { execFile } from 'node:child_process';

/** What a command runs with; without `env` it inherits ours. */
export interface CommandOptions {
  timeoutMs: number;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  signal?: AbortSignal;
}

/** Runs a program without a shell and returns its stdout; the error names the program and its last words. */
export function runCommand(
  program: string,
  args: readonly string[],
  { timeoutMs, env = process.env, cwd, signal }: CommandOptions,
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      program,
      [...args],
      {
        env,
        timeout: timeoutMs,
        maxBuffer: 16 * 1024 * 1024,
        ...(cwd === undefined ? {} : { cwd }),
        ...(signal === undefined ? {} : { signal }),
      },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else if (signal?.aborted === true) reject(error);
        else reject(new Error(`${program}: ${reasonOf(error, stderr, timeoutMs)}`));
      },
    );
  });
}

function reasonOf(
  error: Error & { code?: string | number | null; killed?: boolean },
  stderr: string,
  timeoutMs: number,
): string {
  if (error.code === 'ENOENT') return 'not found';
  if (error.killed === true) return `no end after ${String(timeoutMs / 1000)} s`;
  const lastWords = stderr.trim().split('\n').slice(-2).join(' ');
  return lastWords === '' ? `ended with ${String(error.code)}` : lastWords;
}
