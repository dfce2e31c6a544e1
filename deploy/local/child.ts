/**
 * One process of the cluster, kept running.
 *
 * I1. At most one process of a child runs at any time.
 * I2. Its pid and start time are on disk before the supervisor does anything else, so a later start can end it.
 * I3. It leads a process group of its own: Ctrl-C reaches the supervisor alone, which ends the children in order.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTimeOf } from '#local/lock.mjs';
import { lastLines, openLog } from './log-file.ts';
import { afterDeath } from './restart.ts';

/** What a child is started with. `ipc` ties its life to ours: it ends when the channel closes. */
export interface ChildSpec {
  name: string;
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  ipc: boolean;
}

/** Where logs and pid records are kept. */
export interface ChildFolders {
  logs: string;
  pids: string;
}

/** Starts a process and starts it again whenever it ends, until `stop`; `onGiveUp` is told when it dies too often. */
export class SupervisedChild {
  readonly #spec: ChildSpec;
  readonly #log: string;
  readonly #record: string;
  readonly #onGiveUp: (error: Error) => void;
  #running: { process: ChildProcess; ended: Promise<void> } | undefined;
  #pause: NodeJS.Timeout | undefined;
  #deathsInARow = 0;
  #stopping = false;

  constructor(spec: ChildSpec, folders: ChildFolders, onGiveUp: (error: Error) => void) {
    this.#spec = spec;
    this.#log = join(folders.logs, `${spec.name}.log`);
    this.#record = join(folders.pids, `${spec.name}.json`);
    this.#onGiveUp = onGiveUp;
    this.#start();
  }

  /** SIGTERM, and SIGKILL after `graceMs`; resolves when it is gone and will not come back. */
  async stop(graceMs: number): Promise<void> {
    this.#stopForGood();
    if (this.#running === undefined) return;
    const { process: child, ended } = this.#running;
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await ended;
    clearTimeout(force);
  }

  /** SIGKILL at once, without waiting. */
  kill(): void {
    this.#stopForGood();
    this.#running?.process.kill('SIGKILL');
  }

  #stopForGood(): void {
    this.#stopping = true;
    clearTimeout(this.#pause);
  }

  #start(): void {
    const startedAt = performance.now();
    const { name } = this.#spec;
    const child = launch(this.#spec, this.#log);
    if (child.pid !== undefined) {
      const identity = { name, pid: child.pid, startTime: startTimeOf(child.pid) };
      writeFileSync(this.#record, JSON.stringify(identity));
    }
    const ended = new Promise<void>((resolve) => {
      child.once('exit', (code, signal) => {
        this.#onEnd(startedAt, signal ?? `exit code ${code}`);
        resolve();
      });
      child.once('error', (error) => {
        if (child.pid !== undefined) return;
        this.#onEnd(startedAt, error.message);
        resolve();
      });
    });
    this.#running = { process: child, ended };
  }

  #onEnd(startedAt: number, how: string): void {
    this.#running = undefined;
    rmSync(this.#record, { force: true });
    if (this.#stopping) return;
    const { inARow, pauseMs } = afterDeath(this.#deathsInARow, performance.now() - startedAt);
    this.#deathsInARow = inARow;
    if (pauseMs !== undefined) {
      this.#pause = setTimeout(() => {
        this.#start();
      }, pauseMs);
      return;
    }
    this.#onGiveUp(
      new Error(
        `${this.#spec.name} died ${inARow} times in a row, at last with ${how}. Its log ${this.#log} ends with:\n${lastLines(this.#log, 12)}`,
      ),
    );
  }
}

function launch({ command, args, env, ipc }: ChildSpec, logPath: string): ChildProcess {
  const log = openLog(logPath);
  try {
    return spawn(command, args, {
      env,
      detached: true,
      stdio: ipc ? ['ignore', log, log, 'ipc'] : ['ignore', log, log],
    });
  } finally {
    closeSync(log);
  }
}
