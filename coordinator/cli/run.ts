import { setTimeout as delay } from 'node:timers/promises';
import { TransientError } from '../../shared/contract/failure.ts';
import type { RunFile } from '../../shared/contract/run-file.ts';
import { readProfiles } from '../../shared/process/environment.ts';
import { unary } from '../../shared/rpc/client.ts';
import type { JournalEntry } from '../curator.ts';
import { closerLook } from './closer-look.ts';
import { connectCluster, type Cluster, type ClusterOptions } from './cluster.ts';
import { exits } from './exit.ts';
import { followRun } from './follow.ts';
import { jsonWatcher, liveWatcher } from './live.ts';
import { readRunFile } from './run-file.ts';
import { finishedEvent, summarize } from './summary.ts';
import { resultTable } from './table.ts';

export interface RunOptions extends ClusterOptions {
  json: boolean;
  detach: boolean;
  profiles?: string | undefined;
}

const OPEN_MS = 1_830_000;
const RESUME_MS = 15_000;
const RETRY_MS = 500;
/** Longer than a supervisor goes on with a process that dies at once, for its own last words say more. */
const PATIENCE_MS = 90_000;

/**
 * Starts a run, or goes on with the one of that name, also where it was paused, and follows it to its end. Exit 0 finished, 3 paused
 * meanwhile.
 */
export async function run(path: string, options: RunOptions, signal: AbortSignal): Promise<number> {
  const file = readRunFile(path, readProfiles(options.profiles ?? process.env['RESET_PROFILES']));
  const cluster = await connectCluster(options, signal);
  try {
    await startRun(cluster, file, signal);
    if (options.detach) return exits.done;
    return await showRun(cluster, file.run, options, signal);
  } finally {
    await cluster.close();
  }
}

/** Follows a run to its end on the terminal, or as JSON events, and prints its result. */
export async function showRun(
  cluster: Cluster,
  name: string,
  { json, state }: { json: boolean; state: string },
  signal: AbortSignal,
): Promise<number> {
  const watcher = json
    ? { ...jsonWatcher(process.stdout), done: () => undefined }
    : liveWatcher(process.stdout);
  const entries = await followRun(cluster, name, watcher, { untilPaused: true, signal });
  watcher.done();
  return printResult(entries, { json, state });
}

/** Prints what a run came to. Exit 0 when it has finished, 3 when it is paused. */
export function printResult(
  entries: readonly JournalEntry[],
  { json, state }: { json: boolean; state: string },
): number {
  const summary = summarize(entries);
  if (json)
    process.stdout.write(
      `${JSON.stringify(summary.paused === null ? finishedEvent(summary) : { event: 'paused', run: summary.run, reason: summary.paused })}\n`,
    );
  else process.stdout.write(`\n${resultTable(summary)}\n${closerLook(summary.run, state)}\n`);
  return summary.paused === null ? exits.done : exits.paused;
}

/** Opens the run and ends its pause if it is paused, waiting for coordinator and curator to come up. */
async function startRun(cluster: Cluster, file: RunFile, signal: AbortSignal): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      const coordinator = await cluster.coordinator(signal);
      const { opened } = await unary(
        coordinator.startRun.bind(coordinator),
        { runFile: JSON.stringify(file) },
        { deadlineMs: OPEN_MS, signal },
      );
      // A run that has just begun may have paused already, for a budget that is used up: that is not the pause to end.
      if (opened) return;
      await unary(
        coordinator.resume.bind(coordinator),
        { run: file.run },
        { deadlineMs: RESUME_MS, signal },
      );
      return;
    } catch (error) {
      if (!(error instanceof TransientError) || performance.now() > until) throw error;
    }
    await delay(RETRY_MS, undefined, { signal });
  }
}
