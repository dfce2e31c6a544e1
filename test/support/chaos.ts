import type { RunFile } from '../../shared/contract/run-file.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';
import type { RoundOutcome } from './simulated-curator.ts';

/** What befalls a cluster, and how often. */
export interface Chaos {
  /** kill -9 of a process, which is started again. */
  kills: number;
  /** The broker loses its store. */
  wipes: number;
  /** The curator's next write fails; it ends and is started again. */
  fullDisks: number;
}

/** Simulated time after which a round is stuck: a unit was dropped, or two wait for each other. */
const STUCK_MS = 1_800_000;

/** What a coordinator does: asks, and asks the next curator where one was killed. Throws where the round does not come to an end. */
export async function driveRound(
  cluster: SimulatedCluster,
  file: RunFile,
  checkpoint: string,
): Promise<RoundOutcome> {
  const stuckAt = cluster.clock.now() + STUCK_MS;
  const stuck = cluster.clock.sleep(STUCK_MS);
  while (cluster.clock.now() < stuckAt) {
    const { curator } = cluster;
    if (curator === undefined) {
      await cluster.clock.sleep(20);
      continue;
    }
    try {
      const outcome = await Promise.race([curator.round(file, checkpoint), curator.killed, stuck]);
      if (outcome !== undefined) return outcome;
    } catch (error) {
      if (!curator.broken()) throw error;
      await curator.killed;
    }
  }
  throw new Error(`the round has not ended after ${STUCK_MS} simulated milliseconds`);
}

/** Lets the disturbances happen at moments drawn from the seed, and starts again what has ended, until the round is over. */
export async function disturb(
  cluster: SimulatedCluster,
  { kills, wipes, fullDisks }: Chaos,
  over: AbortSignal,
): Promise<void> {
  const { clock, random, names } = cluster;
  const events = [
    ...Array.from({ length: kills }, () => 'kill'),
    ...Array.from({ length: wipes }, () => 'wipe'),
    ...Array.from({ length: fullDisks }, () => 'full disk'),
  ];
  while (!over.aborted) {
    await clock.sleep(20 + random.next() * 800);
    const [event] = events.splice(random.integer(events.length + 1), 1);
    if (event === 'wipe') cluster.broker.wipe();
    if (event === 'full disk') cluster.fillDisk();
    const broken = cluster.curator?.broken() === true;
    if (event !== 'kill' && !broken) continue;
    const name = broken ? 'curator' : (names[random.integer(names.length)] ?? 'curator');
    cluster.kill(name);
    await clock.sleep(random.next() * 500);
    await cluster.start(name);
  }
}
