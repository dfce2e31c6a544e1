import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isRunning, startTimeOf } from '#local/lock.mjs';
import { z } from 'zod';
import { type StateFolder } from './state-folder.ts';

const PidRecord = z.object({ name: z.string(), pid: z.int(), startTime: z.string() });
type PidRecord = z.infer<typeof PidRecord>;

const graceMs = 5_000;

/**
 * Ends what a killed supervisor left behind, before a store or ledger is opened a second time: processes whose pid and
 * start time it wrote down, and a nats-server that runs on this folder's store. SIGTERM, after 5 s SIGKILL.
 */
export async function endOrphans(
  state: StateFolder,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const found = [...recorded(state.pids), ...natsOf(state)].filter(isRunning);
  const orphans = new Map(found.map((orphan) => [orphan.pid, orphan]));
  await Promise.all(
    [...orphans.values()].map(async (orphan) => {
      say(`ending ${orphan.name} (pid ${orphan.pid}), which a killed start left behind`);
      await end(orphan, signal);
    }),
  );
  rmSync(state.pids, { recursive: true, force: true });
}

function recorded(folder: string): PidRecord[] {
  return listOf(folder).flatMap((name) => {
    const record = PidRecord.safeParse(jsonOf(join(folder, name)));
    return record.success ? [record.data] : [];
  });
}

/** A kill between its start and our record of it leaves only the pid that the server wrote itself. */
function natsOf({ natsPid, natsConfig }: StateFolder): PidRecord[] {
  const pid = z.int().safeParse(jsonOf(natsPid));
  const startTime = pid.success ? startTimeOf(pid.data) : undefined;
  if (!pid.success || startTime === undefined || !commandOf(pid.data).includes(natsConfig))
    return [];
  return [{ name: 'nats-server', pid: pid.data, startTime }];
}

async function end(orphan: PidRecord, signal: AbortSignal): Promise<void> {
  send(orphan, 'SIGTERM');
  const patience = performance.now() + graceMs;
  while (isRunning(orphan)) {
    if (performance.now() > patience) send(orphan, 'SIGKILL');
    await delay(20, undefined, { signal });
  }
}

function send(orphan: PidRecord, name: NodeJS.Signals): void {
  try {
    process.kill(orphan.pid, name);
  } catch {
    // It ended by itself meanwhile.
  }
}

function commandOf(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

function listOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function jsonOf(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
