/** How much memory a curator takes for a round, and how soon it goes on after a kill in the middle of one. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Cluster, openRound, startCluster, untilSealed } from './cluster.ts';
import { peakMegabytes } from './figures.ts';
import { startInjectedSampler } from './injected-sampler.ts';
import { candidatesOf, type Workload } from './workload.ts';

const INCUMBENT = 'a'.repeat(64);
const POLL_MS = 10;

export interface Memory {
  readonly candidates: number;
  /** Before the run's first round, and the most over all of it. */
  readonly readyMegabytes: number;
  readonly peakMegabytes: number;
  readonly seconds: number;
}

export async function measureMemory(candidates: number): Promise<Memory> {
  const workload = ofSize(candidates);
  await using cluster = await startCluster('default', workload);
  await using _sampler = await startInjectedSampler(cluster.nats.url, cluster.file.run);
  const { pid } = cluster.curator;
  const readyMegabytes = await peakMegabytes(pid);
  const start = performance.now();
  await openRound(cluster, 1, INCUMBENT);
  await untilSealed(cluster, 1, candidatesOf(workload));
  const seconds = (performance.now() - start) / 1000;
  const peak = await peakMegabytes(pid);
  return { candidates: candidatesOf(workload), readyMegabytes, peakMegabytes: peak, seconds };
}

export interface Resume {
  readonly candidates: number;
  /** Candidates that were stored when the curator was killed. */
  readonly stored: number;
  /** From the kill until the new curator serves, and until it has stored an answer. */
  readonly readySeconds: number;
  readonly answerSeconds: number;
}

/** Kills the curator at half of a round and starts it again at once. */
export async function measureResume(candidates: number): Promise<Resume> {
  const workload = ofSize(candidates);
  await using cluster = await startCluster('default', workload);
  await using _sampler = await startInjectedSampler(cluster.nats.url, cluster.file.run);
  await openRound(cluster, 1, INCUMBENT);
  const stored = await untilStored(cluster, candidatesOf(workload) / 2);
  const start = performance.now();
  const since = (): number => (performance.now() - start) / 1000;
  await cluster.curator.kill('SIGKILL');
  await cluster.restartCurator();
  const readySeconds = since();
  await untilStored(cluster, 1);
  const answerSeconds = since();
  return { candidates: candidatesOf(workload), stored, readySeconds, answerSeconds };
}

function ofSize(candidates: number): Workload {
  return { examples: Math.ceil(candidates / 7), units: 'default' };
}

/** Waits until the curator has stored that many answers in this life of its process, as its metrics say, and returns how many. */
async function untilStored({ curator }: Cluster, answers: number): Promise<number> {
  for (;;) {
    const metrics = await (await fetch(`${curator.http}/metrics`)).text();
    const candidates = sumOf(metrics, 'reset_candidates_total');
    const verdicts = sumOf(metrics, 'reset_verdicts_total');
    if (Math.max(candidates, verdicts) >= answers) return candidates;
    await delay(POLL_MS);
  }
}

function sumOf(metrics: string, name: string): number {
  const lines = metrics.split('\n').filter((line) => line.startsWith(`${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
