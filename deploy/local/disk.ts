import { statfs } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** Below this the bus, the ledger and the logs fail to write at any moment, each in its own way. */
const MINIMUM_BYTES = 2 * 1024 * 1024;
const LOOK_EVERY_MS = 1000;

/** What is wrong with a state folder on a full disk, and what to do. */
export const fullDisk = 'is on a full disk: free some space and start again; nothing is lost';

/** Returns when the folder's disk is full, or the signal aborts. */
export async function untilFull(folder: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize < MINIMUM_BYTES) return;
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}
