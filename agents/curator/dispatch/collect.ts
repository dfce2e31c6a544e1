import type { Logger } from 'pino';
import type { Bus, Delivery } from '../../../shared/bus/bus.ts';
import { messageOf, TransientError } from '../../../shared/contract/failure.ts';
import type { Result } from '../../../shared/contract/work.ts';
import type { Clock } from '../../../shared/process/clock.ts';

const BATCH_RESULTS = 100;
const BATCH_MS = 20;
const RETRY_MS = 500;

export interface CollectDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly run: string;
  /** Declares what the run needs on the bus and binds it to this ledger; may be repeated. */
  readonly declare: () => Promise<void>;
  /** Returns when what the results change is durable and in the windows. */
  readonly commit: (results: readonly Result[]) => Promise<void>;
}

/**
 * Reads a run's answers into the ledger until the signal aborts.
 *
 * C1. An answer is acked after its effect is durable and the windows know of it; so it is never lost, and a unit whose answer
 *     was counted as read is never offered again.
 * C2. Answers are written in groups: a synced write costs as much for a hundred as for one.
 */
export async function collect(deps: CollectDeps, signal: AbortSignal): Promise<void> {
  const { bus, clock, log, run } = deps;
  while (!signal.aborted) {
    try {
      await deps.declare();
      for await (const batch of batches(bus.results(run, signal), clock, signal))
        await settle(deps, batch);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof TransientError)) throw error;
      log.warn({ run, reason: messageOf(error) }, 'cannot read results now');
      await clock.sleep(RETRY_MS, signal).catch(() => undefined);
    }
  }
}

async function settle(
  { commit, log, run }: CollectDeps,
  batch: readonly Delivery<Result>[],
): Promise<void> {
  await commit(batch.map(({ message }) => message));
  const acks = await Promise.allSettled(batch.map((delivery) => delivery.ack()));
  const failed = acks.find((one) => one.status === 'rejected');
  // The answer comes once more and changes nothing.
  if (failed !== undefined)
    log.warn({ run, reason: messageOf(failed.reason) }, 'an answer could not be acked');
}

/** Groups of what comes within BATCH_MS of the first, at most BATCH_RESULTS. */
async function* batches<TItem>(
  source: AsyncIterable<TItem>,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<TItem[]> {
  const items = source[Symbol.asyncIterator]();
  const next = (): Promise<IteratorResult<TItem>> => {
    const item = items.next();
    // It may fail while the batch before it is written; whoever awaits it later still sees that.
    item.catch(() => undefined);
    return item;
  };
  for (let coming = next(); ;) {
    const first = await coming;
    if (first.done === true) return;
    const batch = [first.value];
    coming = next();
    const full = new AbortController();
    const late = clock.sleep(BATCH_MS, AbortSignal.any([signal, full.signal])).then(
      () => undefined,
      () => undefined,
    );
    while (batch.length < BATCH_RESULTS) {
      const item = await Promise.race([coming, late]);
      if (item === undefined || item.done === true) break;
      batch.push(item.value);
      coming = next();
    }
    full.abort();
    yield batch;
  }
}
