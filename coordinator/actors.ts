import { fromCallback, fromPromise } from 'xstate';
import { performEffect } from '../shared/process/failpoint.ts';
import { decisionsCounter } from '../shared/process/metrics.ts';
import type { Clock } from '../shared/process/clock.ts';
import type { Fact } from '../shared/contract/facts.ts';
import { ConflictError } from '../shared/rpc/failure.ts';
import { runMachine, type Appending, type RunEvent } from './machine.ts';
import { workOn, type WorkDeps } from './work.ts';

export interface RunDeps extends WorkDeps {
  clock: Clock;
}

const RECONNECT_MS = 500;

/** Wires the machine of a run to the curator that the run is bound to, and to the trainers that are there. */
export function createRun(deps: RunDeps): typeof runMachine {
  return runMachine.provide({
    actors: {
      follow: fromCallback<RunEvent, { run: string }>(({ input, sendBack }) => {
        const stop = new AbortController();
        void follow(deps, input.run, sendBack, stop.signal);
        return () => {
          stop.abort();
        };
      }),
      load: fromPromise(
        async ({
          input,
          signal,
        }: {
          input: { run: string };
          signal: AbortSignal;
        }): Promise<readonly Fact[]> => {
          const curator = await deps.peers.curator(input.run);
          return curator.facts(signal);
        },
      ),
      work: fromPromise(
        async ({ input, signal }: { input: Parameters<typeof workOn>[1]; signal: AbortSignal }) =>
          workOn(deps, input, signal),
      ),
      append: fromPromise(async ({ input, signal }: { input: Appending; signal: AbortSignal }) =>
        append(deps, input, signal),
      ),
    },
  });
}

/** Tells the machine how long the journal is, whoever wrote it. A stream that broke is opened again. */
async function follow(
  { peers, clock }: RunDeps,
  run: string,
  sendBack: (event: RunEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  let length = 0;
  while (!signal.aborted) {
    try {
      const curator = await peers.curator(run);
      for await (const entry of curator.journal(length, true, signal)) {
        length = entry.position + 1;
        sendBack({ type: 'journal.grew', length });
      }
    } catch {
      // The curator is away: the machine's own calls say so, here only asking again helps.
    }
    await clock.sleep(RECONNECT_MS, signal).catch(() => undefined);
  }
}

/** True when the fact is in, false when the journal had grown elsewhere: either way the machine loads it next. */
async function append(
  { peers }: RunDeps,
  { run, expected, fact }: Appending,
  signal: AbortSignal,
): Promise<boolean> {
  const curator = await peers.curator(run);
  try {
    await performEffect('coordinator.append', () => curator.append(expected, fact, signal));
    if (fact.fact === 'decision.made') decisionsCounter.inc({ decision: fact.decision });
    return true;
  } catch (error) {
    if (error instanceof ConflictError) return false;
    throw error;
  }
}
