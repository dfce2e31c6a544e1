import type { Directory } from '../bus/bus.ts';
import { Fact } from '../contract/facts.ts';
import { messageOf } from '../contract/failure.ts';
import type { RunFile } from '../contract/run-file.ts';
import type { Clock } from '../process/clock.ts';
import type { Tls } from '../process/environment.ts';
import type { Logger } from '../process/logger.ts';
import { curatorClient, readStream } from './client.ts';

const RETRY_MS = 1000;

export interface RunsDeps {
  directory: Directory;
  clock: Clock;
  log: Logger;
  tls?: Tls | undefined;
}

/** An unfinished run. A paused one may still have units of the step in hand on the bus. */
export interface FollowedRun {
  readonly file: RunFile;
  readonly paused: boolean;
  /** How often it has been resumed. */
  readonly resumes: number;
}

/** The ledger whose journal is read, and where its curator is now. */
interface Bound {
  readonly ledger: string;
  grpc: string;
  /** Aborts when the run is bound to another one. */
  readonly left: AbortController;
}

const REPORTED = ['run.opened', 'run.paused', 'run.resumed', 'run.finished'];

/**
 * Tells `changed` the run files of all unfinished runs, and which of them are paused, whenever that changes, until the signal aborts. It reads the
 * journal of each bound run at its curator, for run files travel nowhere else. A curator that is away is asked again each second. A run that is bound
 * to another ledger, on a bus that was emptied, is another run.
 */
export async function followRuns(
  deps: RunsDeps,
  changed: (runs: readonly FollowedRun[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const { directory, clock, log } = deps;
  const bound = new Map<string, Bound>();
  const runs = new Map<string, FollowedRun>();
  const followers: Promise<void>[] = [];
  const follow = async (run: string, binding: Bound): Promise<void> => {
    const until = AbortSignal.any([signal, binding.left.signal]);
    await followRun(deps, { run, address: () => binding.grpc }, until, (fact) => {
      const known = runs.get(run);
      if (fact.fact === 'run.opened') runs.set(run, { file: fact.file, paused: false, resumes: 0 });
      else if (fact.fact === 'run.finished' || known === undefined) runs.delete(run);
      else if (fact.fact === 'run.paused') runs.set(run, { ...known, paused: true });
      else runs.set(run, { ...known, paused: false, resumes: known.resumes + 1 });
      changed([...runs.values()]);
    });
  };
  while (!signal.aborted) {
    try {
      for await (const { run, ledger, grpc } of directory.bindings(signal)) {
        const known = bound.get(run);
        if (known?.ledger === ledger) {
          known.grpc = grpc;
          continue;
        }
        known?.left.abort();
        runs.delete(run);
        const binding = { ledger, grpc, left: new AbortController() };
        bound.set(run, binding);
        followers.push(follow(run, binding));
      }
    } catch (error) {
      log.debug({ reason: messageOf(error) }, 'cannot read the bindings of runs yet');
    }
    await clock.sleep(RETRY_MS, signal).catch(() => undefined);
  }
  await Promise.all(followers);
}

/** Reports that a run was opened, paused, resumed and finished, and returns after the last. */
async function followRun(
  { clock, log, tls }: RunsDeps,
  { run, address }: { run: string; address: () => string },
  signal: AbortSignal,
  report: (fact: Fact) => void,
): Promise<void> {
  let from = 0;
  while (!signal.aborted) {
    const client = curatorClient(address(), tls);
    try {
      const journal = readStream(() => client.readJournal({ run, from, follow: true }), { signal });
      for await (const { position, fact: text } of journal) {
        const fact = Fact.parse(JSON.parse(text));
        from = position + 1;
        if (REPORTED.includes(fact.fact)) report(fact);
        if (fact.fact === 'run.finished') return;
      }
    } catch (error) {
      if (!signal.aborted) log.debug({ run, reason: messageOf(error) }, 'cannot read a journal');
    } finally {
      client.close();
    }
    await clock.sleep(RETRY_MS, signal).catch(() => undefined);
  }
}
