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

/**
 * Tells `changed` the run files of all unfinished runs, by run, whenever one is opened or finished, until the signal aborts. It reads the
 * journal of each bound run at its curator, for run files travel nowhere else. A curator that is away is asked again each second.
 */
export async function followRuns(
  deps: RunsDeps,
  changed: (files: ReadonlyMap<string, RunFile>) => void,
  signal: AbortSignal,
): Promise<void> {
  const { directory, clock, log } = deps;
  const addresses = new Map<string, string>();
  const files = new Map<string, RunFile>();
  const followers: Promise<void>[] = [];
  const follow = async (run: string): Promise<void> => {
    await followRun(deps, { run, address: () => addresses.get(run) ?? '' }, signal, (fact) => {
      if (fact.fact === 'run.opened') files.set(run, fact.file);
      else files.delete(run);
      changed(files);
    });
  };
  while (!signal.aborted) {
    try {
      for await (const { run, grpc } of directory.bindings(signal)) {
        const isNew = !addresses.has(run);
        addresses.set(run, grpc);
        if (isNew) followers.push(follow(run));
      }
    } catch (error) {
      log.debug({ reason: messageOf(error) }, 'cannot read the bindings of runs yet');
    }
    await clock.sleep(RETRY_MS, signal).catch(() => undefined);
  }
  await Promise.all(followers);
}

/** Reports the first fact of a run and its last, and returns after that one. */
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
        if (fact.fact === 'run.opened') report(fact);
        if (fact.fact === 'run.finished') {
          report(fact);
          return;
        }
      }
    } catch (error) {
      if (!signal.aborted) log.debug({ run, reason: messageOf(error) }, 'cannot read a journal');
    } finally {
      client.close();
    }
    await clock.sleep(RETRY_MS, signal).catch(() => undefined);
  }
}
