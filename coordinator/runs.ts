import { EventEmitter, on } from 'node:events';
import { createActor, type Actor } from 'xstate';
import type { Directory } from '../shared/bus/bus.ts';
import { messageOf, TransientError } from '../shared/contract/failure.ts';
import type { Logger } from '../shared/process/logger.ts';
import { createRun, type RunDeps } from './actors.ts';
import type { runMachine } from './machine.ts';
import { showRun } from './metrics.ts';
import type { Progress } from './work.ts';

const RETRY_MS = 500;

export interface RunsDeps extends Omit<RunDeps, 'report'> {
  directory: Directory;
  log: Logger;
}

/**
 * The runs that this coordinator drives: one machine for every binding on the bus, whoever made it. A second coordinator does the same; who
 * appends a fact second reloads (M2), so any number of them is harmless.
 */
export class Runs {
  readonly #deps: RunsDeps;
  readonly #actors = new Map<string, Actor<typeof runMachine>>();
  /** By run, the ledger that it is bound to: one of another ledger, on a bus that was emptied, is another run. */
  readonly #ledgers = new Map<string, string>();
  readonly #progress = new EventEmitter();

  constructor(deps: RunsDeps) {
    this.#deps = deps;
    this.#progress.setMaxListeners(0);
  }

  /** Drives every run that is bound now or later, until the signal aborts. A bus without a directory waits for the curator that declares it. */
  async drive(signal: AbortSignal): Promise<void> {
    const { directory, clock, log } = this.#deps;
    while (!signal.aborted) {
      try {
        for await (const { run, ledger } of directory.bindings(signal)) {
          if (this.#ledgers.get(run) === ledger) continue;
          this.#actors.get(run)?.stop();
          this.#ledgers.set(run, ledger);
          this.#start(run);
        }
      } catch (error) {
        if (!(error instanceof TransientError)) throw error;
        log.warn({ reason: messageOf(error) }, 'cannot see the runs now');
        await clock.sleep(RETRY_MS, signal).catch(() => undefined);
      }
    }
  }

  names(): string[] {
    return [...this.#actors.keys()].sort();
  }

  /** What keeps a run from going on at the moment, such as a peer that is missing. */
  trouble(run: string): string | undefined {
    return this.#actors.get(run)?.getSnapshot().context.trouble;
  }

  /** Live progress of a run's step in hand, until the signal aborts. */
  async *progress(run: string, signal: AbortSignal): AsyncGenerator<Progress> {
    for await (const [progress] of on(this.#progress, run, { signal }) as AsyncIterable<[Progress]>)
      yield progress;
  }

  drain(): void {
    for (const actor of this.#actors.values()) actor.send({ type: 'drain.requested' });
  }

  #start(run: string): void {
    const { log } = this.#deps;
    const report = (name: string, progress: Progress): void => {
      this.#progress.emit(name, progress);
      if (actor.getSnapshot().status === 'active') actor.send({ type: 'step.advanced' });
    };
    const actor = createActor(createRun({ ...this.#deps, report }), { input: { run } });
    this.#actors.set(run, actor);
    let trouble: string | undefined;
    actor.subscribe({
      next: (snapshot) => {
        showRun(snapshot.context.journal);
        if (snapshot.context.trouble !== undefined && snapshot.context.trouble !== trouble)
          log.warn({ run, reason: snapshot.context.trouble }, 'cannot go on yet');
        trouble = snapshot.context.trouble;
      },
      error: (error) => {
        log.error({ run, reason: messageOf(error) }, 'the run cannot be driven');
      },
    });
    actor.start();
    log.info({ run }, 'driving');
  }
}
