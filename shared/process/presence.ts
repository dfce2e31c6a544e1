import type { Directory } from '../bus/bus.ts';
import { TransientError } from '../contract/failure.ts';
import type { Presence } from '../contract/peer.ts';
import { systemClock, type Clock } from './clock.ts';

const RENEW_EVERY_MS = 2000;

/** Shows a peer in the directory until the signal aborts, then takes it off. While the bus is away it goes on trying; the bus logs that. */
export async function keepPresent(
  directory: Pick<Directory, 'appear' | 'leave'>,
  presence: Presence,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> {
  while (!signal.aborted) {
    await ignoreTransient(() => directory.appear(presence));
    try {
      await clock.sleep(RENEW_EVERY_MS, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
  await ignoreTransient(() => directory.leave(presence.peer));
}

/** A presence that could not be renewed lapses by itself, which is what the others should see. */
async function ignoreTransient(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof TransientError)) throw error;
  }
}
