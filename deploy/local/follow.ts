import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { onAbort } from '../../shared/process/signal.ts';
import type { StartArguments } from './arguments.ts';
import { programPath } from './paths.ts';

/** `reset-loop run` as a process of its own, with our terminal. */
export interface FollowedRun {
  /** Its exit code, 128 + n where signal n ended it. */
  readonly exitCode: Promise<number>;
  /** SIGTERM, and resolves when it is gone. */
  end(): Promise<void>;
}

/** Starts a run file's run, or goes on with it, and shows it to its end. `signal` ends only what shows it. */
export function followRun(
  file: string,
  { state, json, own }: Pick<StartArguments, 'state' | 'json' | 'own'>,
  signal: AbortSignal,
): FollowedRun {
  const cli = programPath('coordinator/cli/main.js');
  const flags = [
    ...(own?.profiles === undefined ? [] : ['--profiles', own.profiles]),
    ...(json ? ['--json'] : []),
  ];
  const child = spawn(process.execPath, [cli, 'run', file, '--state', state, ...flags], {
    // The state folder names the bus, and the arguments the profiles, whatever the environment names.
    env: { ...process.env, RESET_NATS_URL: undefined, RESET_PROFILES: undefined },
    // The channel says nothing; the CLI ends when it closes, so that it does not outlive a killed start.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  const exitCode = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, name) => {
      resolve(code ?? 128 + constants.signals[name ?? 'SIGKILL']);
    });
  });
  onAbort(signal, () => child.kill('SIGTERM'));
  return {
    exitCode,
    end: async () => {
      child.kill('SIGTERM');
      await exitCode;
    },
  };
}
