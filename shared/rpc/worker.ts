import type { Lanes, ServedQueue } from '../bus/lanes.ts';
import type { Presence } from '../contract/peer.ts';
import { keepPresent } from '../process/presence.ts';
import { untilAborted } from '../process/signal.ts';
import { type FollowedRun, followRuns, type RunsDeps } from './runs.ts';

/** For finishing the units in hand; the process itself has 10 s. */
const GRACE_MS = 7000;

export interface WorkerOptions extends RunsDeps {
  presence: Presence;
  /** The queues of these runs that this peer can work. */
  queues: (runs: readonly FollowedRun[]) => readonly ServedQueue[];
  lanes: Lanes;
  signal: AbortSignal;
}

/** Works the queues of all unfinished runs until the signal aborts, then finishes what is in hand. Throws where a lane failed. */
export async function serveRuns(options: WorkerOptions): Promise<void> {
  const { presence, queues, lanes, directory, clock, signal } = options;
  const present = keepPresent(directory, presence, signal, clock);
  const following = followRuns(
    options,
    (runs) => {
      lanes.serve(queues(runs));
    },
    signal,
  );
  const stopped = untilAborted(new Promise<never>(() => undefined), signal).catch(() => undefined);
  await Promise.race([stopped, lanes.failed, following, present]);
  await lanes.drain(GRACE_MS);
  await Promise.all([present, following]);
}
