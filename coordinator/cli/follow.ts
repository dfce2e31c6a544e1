import { setTimeout as delay } from 'node:timers/promises';
import { Fact } from '../../shared/contract/facts.ts';
import { StepProgress, TrainProgress } from '../../shared/contract/steps.ts';
import { TransientError } from '../../shared/contract/failure.ts';
import { readStream } from '../../shared/rpc/client.ts';
import type { JournalEntry } from '../curator.ts';
import type { Cluster } from './cluster.ts';
import { liveLedger } from './ledger.ts';

export type Progress = StepProgress | TrainProgress;

/** Hears of a run as it happens. */
export interface Watcher {
  fact(entry: JournalEntry): void;
  progress(progress: Progress): void;
}

const RECONNECT_MS = 500;

/**
 * Follows a run until its journal ends with `run.finished`, or, with `untilPaused`, until it is paused. A coordinator that goes away is
 * found again. Returns the whole journal.
 */
export async function followRun(
  cluster: Cluster,
  run: string,
  watcher: Watcher,
  options: { untilPaused: boolean; signal: AbortSignal },
): Promise<JournalEntry[]> {
  const { untilPaused, signal } = options;
  const journal: JournalEntry[] = [];
  /** Facts before this are history: a pause among them is over. */
  let present: number | undefined;
  for (;;) {
    try {
      present ??= (await liveLedger(cluster, signal).journal(run)).length - 1;
      const coordinator = await cluster.coordinator(signal);
      for await (const { entry, progress } of readStream(
        () => coordinator.watchRun({ run, from: journal.length }),
        { signal },
      )) {
        if (progress !== undefined) watcher.progress(parseProgress(progress));
        if (entry === undefined || entry === null) continue;
        const known = {
          position: entry.position,
          fact: Fact.parse(JSON.parse(entry.fact)),
          at: entry.at,
        };
        journal.push(known);
        watcher.fact(known);
        if (known.fact.fact === 'run.finished') return journal;
        if (known.fact.fact === 'run.paused' && untilPaused && known.position >= present)
          return journal;
      }
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
    }
    await delay(RECONNECT_MS, undefined, { signal });
  }
}

function parseProgress(text: string): Progress {
  const content: unknown = JSON.parse(text);
  const training = TrainProgress.safeParse(content);
  return training.success ? training.data : StepProgress.parse(content);
}
