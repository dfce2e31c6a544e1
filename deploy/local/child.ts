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
import { type Deaths, afterDeath, noDeaths } from './restart.ts';

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

export interface SupervisedChild {
  name: string;
  /** SIGTERM, and SIGKILL after `graceMs`; resolves when it is gone and will not come back. */
  stop(graceMs: number): Promise<void>;
  /** SIGKILL at once, without waiting. */
  kill(): void;
}

/** Starts a child and starts it again whenever it ends, until `stop`; `onGiveUp` is told when it dies too often. */
export function superviseChild(
  spec: ChildSpec,
  folders: ChildFolders,
  onGiveUp: (error: Error) => void,
): SupervisedChild {
  const log = join(folders.logs, `${spec.name}.log`);
  const record = join(folders.pids, `${spec.name}.json`);
  let running: { process: ChildProcess; ended: Promise<void> } | undefined;
  let pause: NodeJS.Timeout | undefined;
  let deaths: Deaths = noDeaths;
  let stopping = false;

  const onEnd = (startedAt: number, how: string): void => {
    running = undefined;
    rmSync(record, { force: true });
    if (stopping) return;
    const now = performance.now();
    const next = afterDeath(deaths, now, now - startedAt);
    deaths = next.deaths;
    if (next.pauseMs === undefined) {
      onGiveUp(
        new Error(
          `${spec.name} died ${deaths.recent.length} times in 30 s, at last with ${how}. Its log ${log} ends with:\n${lastLines(log, 12)}`,
        ),
      );
    } else {
      pause = setTimeout(start, next.pauseMs);
    }
  };

  function start(): void {
    const startedAt = performance.now();
    const child = launch(spec, log);
    if (child.pid !== undefined) {
      const identity = { name: spec.name, pid: child.pid, startTime: startTimeOf(child.pid) };
      writeFileSync(record, JSON.stringify(identity));
    }
    const ended = new Promise<void>((resolve) => {
      child.once('exit', (code, signal) => {
        onEnd(startedAt, signal ?? `exit code ${code}`);
        resolve();
      });
      child.once('error', (error) => {
        if (child.pid !== undefined) return;
        onEnd(startedAt, error.message);
        resolve();
      });
    });
    running = { process: child, ended };
  }

  start();
  return {
    name: spec.name,
    stop: async (graceMs) => {
      stopping = true;
      clearTimeout(pause);
      if (running === undefined) return;
      const { process: child, ended } = running;
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await ended;
      clearTimeout(force);
    },
    kill: () => {
      stopping = true;
      clearTimeout(pause);
      running?.process.kill('SIGKILL');
    },
  };
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
