import type { Logger } from 'pino';
import type { Bus } from '../../../shared/bus/bus.ts';
import { messageOf, TransientError } from '../../../shared/contract/failure.ts';
import type { Clock } from '../../../shared/process/clock.ts';
import type { Journal } from '../ledger/journal.ts';
import { sleepUnless } from './wake.ts';

const RETRY_MS = 1000;

export interface AnnounceDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly journal: Journal;
}

/**
 * Copies the journal to the bus for watchers until the signal aborts. It begins with the first fact each time: the bus knows a position
 * that it has, and nothing needs to remember how far this came.
 */
export async function announce(deps: AnnounceDeps, signal: AbortSignal): Promise<void> {
  const { bus, clock, log, journal } = deps;
  for await (const { position, fact } of journal.follow(0, signal)) {
    for (let announced = false; !announced && !signal.aborted;) {
      try {
        await bus.announce(journal.run, position, fact);
        announced = true;
      } catch (error) {
        if (!(error instanceof TransientError)) throw error;
        log.warn({ run: journal.run, position, reason: messageOf(error) }, 'cannot announce now');
        await sleepUnless(clock, RETRY_MS, [signal]);
      }
    }
  }
}
