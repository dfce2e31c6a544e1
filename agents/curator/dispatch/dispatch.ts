import type { Logger } from 'pino';
import type { Bus } from '../../../shared/bus/bus.ts';
import { messageOf, TransientError } from '../../../shared/contract/failure.ts';
import type { Queue } from '../../../shared/contract/subjects.ts';
import type { Work } from '../../../shared/contract/work.ts';
import type { Clock } from '../../../shared/process/clock.ts';
import { sleepUnless, type Wake } from './wake.ts';
import type { Window } from './window.ts';

const SWEEP_MS = 1000;
const FIRST_SWEEP_MS = 50;
const RETRY_MS = 500;
const OFFERS_AT_ONCE = 16;

export interface DispatchDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly run: string;
  /** Declares what the run needs on the bus and binds it to this ledger; may be repeated. */
  readonly declare: () => Promise<void>;
  readonly queue: Queue;
  readonly window: Window;
  /** Woken when the window got new units. */
  readonly wake: Wake;
  /** A unit as it travels now; undefined where its task has ended meanwhile. */
  readonly work: (unit: string) => Promise<Work | undefined>;
}

/**
 * Keeps one queue of a run filled from its window until the signal aborts.
 *
 * D1. Nothing is offered before all answers on the bus were read, after a start and after each failure; so what may be answered already
 *     is not offered.
 * D2. A unit that has vanished from the bus is offered again only when no answer was unread *after* the bus was asked for it.
 * D3. What the broker lost is declared again.
 */
export async function dispatch(deps: DispatchDeps, signal: AbortSignal): Promise<void> {
  const { clock, log, run, queue, window, wake } = deps;
  let allRead = false;
  let sweptAt = clock.now();
  let declared = false;
  while (!signal.aborted) {
    try {
      if (!declared) {
        await deps.declare();
        declared = true;
      }
      const due = window.offered() > 0 && clock.now() - sweptAt >= SWEEP_MS;
      if (!allRead || due) {
        allRead = (await sweep(deps)) || allRead;
        sweptAt = clock.now();
      }
      if (allRead) await offerWaiting(deps);
      await wake.wait(clock, allRead ? SWEEP_MS : FIRST_SWEEP_MS, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof TransientError)) throw error;
      log.warn({ run, queue, reason: messageOf(error) }, 'cannot offer work now');
      declared = false;
      // An offer without an answer may have had its effect, and the unit may be worked already.
      allRead = false;
      await sleepUnless(clock, RETRY_MS, [signal]);
    }
  }
}

/** Returns whether all answers were read; then the window agrees with the bus (D2). */
async function sweep({ bus, log, run, queue, window }: DispatchDeps): Promise<boolean> {
  // Workers cannot take units that are there without it, so nothing else would ever show that it is gone.
  await bus.declareQueue(queue);
  // The order matters: a unit that is settled after this line leaves an answer that the next line counts.
  const onBus = await bus.offered(run, queue);
  if ((await bus.unsettledResults(run)) > 0) return false;
  const gone = window.reconcile(onBus);
  if (gone > 0) log.info({ run, queue, units: gone }, 'units without an answer left the bus');
  return true;
}

async function offerWaiting(deps: DispatchDeps): Promise<void> {
  const units = deps.window.take();
  for (let first = 0; first < units.length; first += OFFERS_AT_ONCE) {
    const some = units.slice(first, first + OFFERS_AT_ONCE);
    const offers = await Promise.allSettled(some.map((unit) => offer(deps, unit)));
    const failed = offers.find((one) => one.status === 'rejected');
    if (failed === undefined) continue;
    deps.window.putBack(units.slice(first).filter((_, at) => offers[at]?.status !== 'fulfilled'));
    throw failed.reason;
  }
}

async function offer({ bus, queue, window, work }: DispatchDeps, unit: string): Promise<void> {
  const message = await work(unit);
  if (message === undefined) window.settle(unit);
  else await bus.offer(queue, message);
}
