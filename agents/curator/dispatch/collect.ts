import type { Logger } from 'pino';
import type { Bus, Delivery } from '../../../shared/bus/bus.ts';
import { messageOf, TransientError } from '../../../shared/contract/failure.ts';
import type { Result } from '../../../shared/contract/work.ts';
import type { Clock } from '../../../shared/process/clock.ts';
import { sleepUnless } from './wake.ts';

const BATCH_RESULTS = 100;
/** Bounds the time of a commit, and what it holds in memory, where units are large. */
const BATCH_OUTCOMES = 1000;
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
      await sleepUnless(clock, RETRY_MS, [signal]);
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

/** Groups of what comes within BATCH_MS of the first, until it is BATCH_RESULTS or BATCH_OUTCOMES. */
async function* batches(
  source: AsyncIterable<Delivery<Result>>,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<Delivery<Result>[]> {
  const deliveries = source[Symbol.asyncIterator]();
  const next = (): Promise<IteratorResult<Delivery<Result>>> => {
    const delivery = deliveries.next();
    // It may fail while the batch before it is written; whoever awaits it later still sees that.
    delivery.catch(() => undefined);
    return delivery;
  };
  for (let coming = next(); ;) {
    const first = await coming;
    if (first.done === true) return;
    const batch = [first.value];
    let outcomes = outcomesOf(first.value);
    coming = next();
    const full = new AbortController();
    const late = sleepUnless(clock, BATCH_MS, [signal, full.signal]);
    while (batch.length < BATCH_RESULTS && outcomes < BATCH_OUTCOMES) {
      const delivery = await Promise.race([coming, late]);
      if (delivery === undefined || delivery.done === true) break;
      batch.push(delivery.value);
      outcomes += outcomesOf(delivery.value);
      coming = next();
    }
    full.abort();
    yield batch;
  }
}

function outcomesOf({ message }: Delivery<Result>): number {
  return message.kind === 'sample'
    ? message.items.reduce((sum, { generations }) => sum + generations.length, 0)
    : message.items.reduce((sum, { verdicts }) => sum + verdicts.length, 0);
}
