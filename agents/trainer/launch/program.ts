import { spawn, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { PermanentError } from '../../../shared/contract/failure.ts';
import { programEnvironment } from '../../../shared/process/program-environment.ts';

const GRACE_MS = 8_000;
const LOOK_EVERY_MS = 100;

/**
 * Starts the program on a spec, in a process group of its own, so that it outlives a trainer that is killed. Returns when it runs.
 * Throws PermanentError when the command cannot be started.
 */
export async function launchProgram(
  command: readonly string[],
  spec: string,
  log: string,
): Promise<void> {
  const [file, ...args] = command;
  if (file === undefined) throw new PermanentError('the trainer profile has an empty command');
  const output = openSync(log, 'a');
  const child = spawn(file, [...args, spec], {
    detached: true,
    stdio: ['ignore', output, output],
    env: programEnvironment(),
  });
  try {
    await once(child, 'spawn');
    child.unref();
  } catch (error) {
    throw new PermanentError(`cannot start the training program ${file}: see the trainer profile`, {
      cause: error,
    });
  } finally {
    closeSync(output);
  }
}

/**
 * The process that works on this spec, whoever started it: found by the spec's path on its command line, so there is no moment between
 * start and record in which a killed trainer could lose it. A zombie has no command line.
 */
export function findProgram(spec: string): number | undefined {
  return commandLines().find(({ words }) => words.includes(spec))?.pid;
}

/** Asks the program to save its state and end; after 8 s it and its group are killed. */
export async function endProgram(spec: string): Promise<void> {
  const pid = findProgram(spec);
  if (pid === undefined) return;
  signalGroup(pid, 'SIGTERM');
  const until = performance.now() + GRACE_MS;
  while (findProgram(spec) !== undefined) {
    if (performance.now() > until) signalGroup(pid, 'SIGKILL');
    await delay(LOOK_EVERY_MS);
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It ended in the meantime, which is what was asked for.
  }
}

function commandLines(): { pid: number; words: string[] }[] {
  if (process.platform !== 'linux') return listedCommandLines();
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [
          { pid: Number(name), words: readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0') },
        ];
      } catch {
        return [];
      }
    });
}

function listedCommandLines(): { pid: number; words: string[] }[] {
  return execFileSync('ps', ['-axo', 'pid=,command='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .map(([pid, ...words]) => ({ pid: Number(pid), words }));
}
