/**
 * Parts (a) and (b): results injected below HTTP, at the default units and at units of one candidate.
 *
 * Part (b) misses its aim: 0.13 to 0.14 of the raw ceiling at default durability, 0.34 to 0.38 with sync always. Two cores are busy with
 * about 900 us of processor time a message where the ceiling takes about 250 (bus.md), so half of it would need 400 us less. Shares of
 * the processor time, and where each goes (V8 profiles, stacks counted for the innermost of these; the client's own errors are
 * those it makes and throws away for each request that has succeeded):
 *
 *   | role        | of all | ours | NATS client | its errors | sockets | XState | Level | zod | GC | timers, other |
 *   | judges      |  45 %  |  15  |     12      |     3      |   10    |   28   |  12   |  4  |  7 |       9       |
 *   | curator     |  24 %  |  30  |     19      |     9      |    4    |    0   |  15   |  6  |  7 |      10       |
 *   | nats-server |  16 %  |
 *   | sampler     |  15 %  |   7  |     21      |     5      |   17    |   25   |   0   |  4  |  5 |      16       |
 *
 * The judges' row is from before their machine had one state of work, which took 9 % off it, of XState's share. What is left of that
 * is the lane's machine; the rest is spread thin.
 */
import { measureCeiling } from './ceiling.ts';
import { type Durability, measureRound, startCluster } from './cluster.ts';
import { startInjectedSampler } from './injected-sampler.ts';
import type { Measured } from './report.ts';
import { candidatesOf, type Workload } from './workload.ts';

/** Each candidate of a unit of one is three messages: it is sampled, and judged by two judges. */
const MESSAGES_A_CANDIDATE = 3;
const AIM_CANDIDATES_A_SECOND = 5000;

/** Candidates a second at the default units, beside the aim. */
export async function measureDefaultUnits(
  durability: Durability,
  repeats: number,
): Promise<Measured> {
  const workload: Workload = { examples: 2000, units: 'default' };
  const reference = (): Promise<number> => Promise.resolve(AIM_CANDIDATES_A_SECOND);
  return measure(durability, workload, repeats, 1, reference);
}

/** Messages a second at units of one candidate, beside the raw ceiling of the same server. */
export async function measureSingleUnits(
  durability: Durability,
  repeats: number,
): Promise<Measured> {
  const examples = durability === 'default' ? 2000 : 1000;
  const reference = (natsUrl: string): Promise<number> =>
    measureCeiling(natsUrl, examples * MESSAGES_A_CANDIDATE);
  const workload: Workload = { examples, units: 'single' };
  return measure(durability, workload, repeats, MESSAGES_A_CANDIDATE, reference);
}

/** `factor` is how many of what is counted make a candidate. The first round warms up and is not counted. */
async function measure(
  durability: Durability,
  workload: Workload,
  repeats: number,
  factor: number,
  reference: (natsUrl: string) => Promise<number>,
): Promise<Measured> {
  await using cluster = await startCluster(durability, workload);
  const { nats, file } = cluster;
  await using _sampler = await startInjectedSampler(nats.url, file.run);
  const pids = [...cluster.pids(), ['injected sampler', process.pid]] as const;
  const candidates = candidatesOf(workload);
  const measured: Measured = { rates: [], references: [], cpu: [] };
  for (let round = 1; round <= repeats + 1; round++) {
    const incumbent = String(round).repeat(64).slice(0, 64);
    const { seconds, cpu } = await measureRound(cluster, round, incumbent, candidates, pids);
    const beside = await reference(nats.url);
    if (round === 1) continue;
    measured.rates.push((candidates * factor) / seconds);
    measured.references.push(beside);
    measured.cpu.push(cpu);
  }
  return measured;
}
