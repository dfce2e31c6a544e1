import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { publish } from '../../support/published-checkpoint.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { say } from '../bench.ts';
import { cpuSeconds, machineSeconds } from '../loop/figures.ts';
import { type EngineProcess, startEngines, type Tick } from './engine-process.ts';
import { type Asking, type Source, startGenerator, startSampler } from './load.ts';
import { type Kind, MEAN_TOKENS, nameOf, planUnits } from './workload.ts';

export const sources = ['sampler', 'openai', 'raw'] as const;
export type SourceName = (typeof sources)[number];

/** What is asked of what. */
export interface Setting {
  readonly kind: Kind;
  /** Sequences that each server runs at once, and requests in flight at it of a source that is told how many. */
  readonly slots: number;
  /** Of a sample, in the mean. */
  readonly latencyMs: number;
  readonly servers: number;
}

/** One source at fresh servers. Tokens are those of answers. */
export interface Measured {
  /** While the second and third quarter of all tokens were written. */
  readonly tokensPerSecond: number;
  /** From the first request to the last answer, which for the sampler is the last result that the curator has. */
  readonly samplesPerSecond: number;
  /**
   * Prompt tokens that were read, by the tokens of the distinct prompts: 1 where each was read once, at one server. Of several samples
   * each reads what is left of the prompt behind its last whole block: 1.11 is the least for seven of 500 tokens.
   */
  readonly passes: number;
  /** Processor time in ms for each sample: of who asks, and of the bus. */
  readonly cpu: { readonly asking: number; readonly bus: number };
  /** At the server, from a request to its answer, for each sample in ms. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** Of the slots, in the same time as tokensPerSecond. */
  readonly busy: number;
  /** Cores that were busy with anything else: with much of that the figures say little. */
  readonly coresOfOthers: number;
}

export type Point = Setting & { readonly by: Readonly<Record<SourceName, Measured>> };

/** A prompt of 500 tokens that was not read before takes 50 ms. */
const MS_PER_PROMPT_TOKEN = 0.1;
const TICK_MS = 100;

const starts = {
  sampler: startSampler,
  openai: (asking: Asking) => startGenerator('openai', asking),
  raw: (asking: Asking) => startGenerator('raw', asking),
};

/** All sources one after the other, over `waves` samples for each slot. */
export async function measurePoint(setting: Setting, waves: number): Promise<Point> {
  const one = async (source: SourceName): Promise<Measured> => {
    const measured = await measure(source, setting, waves);
    say(`  ${source}: ${measured.tokensPerSecond.toFixed(0)} tokens/s`);
    return measured;
  };
  return {
    ...setting,
    by: { raw: await one('raw'), sampler: await one('sampler'), openai: await one('openai') },
  };
}

async function measure(source: SourceName, setting: Setting, waves: number): Promise<Measured> {
  const { kind, slots, latencyMs, servers } = setting;
  await using folder = await temporaryFolder();
  const checkpoint = await publish(join(folder.path, 'checkpoints'), { 'config.json': '{}' }, []);
  const units = planUnits(kind, slots * servers * waves, checkpoint);
  const samples = units.flatMap(({ items }) => items.flatMap(({ requests }) => requests)).length;
  const options = {
    name: nameOf(checkpoint),
    slots,
    msPerToken: latencyMs / MEAN_TOKENS,
    msPerPromptToken: MS_PER_PROMPT_TOKEN,
  };
  await using started = await startEngines(servers, options);
  const { engines } = started;
  const urls = engines.map(({ url }) => url);
  const concurrency = slots * servers;
  const asking = { units, urls, folder: folder.path, concurrency };
  await using load = await starts[source](asking);
  const distinct = units
    .flatMap(({ items }) => items)
    .reduce((sum, { prompt }) => sum + Math.ceil(prompt.length / 4), 0);
  return await watch(load, engines, { samples, distinct, slots: concurrency });
}

async function watch(
  asking: Source,
  engines: readonly EngineProcess[],
  { samples, distinct, slots }: { samples: number; distinct: number; slots: number },
): Promise<Measured> {
  const pids = [...asking.pids, ...engines.map(({ pid }) => ['servers', pid] as const)];
  const before = { cpu: await cpuSeconds(pids), machine: await machineSeconds() };
  const start = performance.now();
  await asking.run();
  const seconds = (performance.now() - start) / 1000;
  const after = { cpu: await cpuSeconds(pids), machine: await machineSeconds() };
  await Promise.all(engines.map(untilCounted));
  const used = (role: string): number => (after.cpu.get(role) ?? 0) - (before.cpu.get(role) ?? 0);
  const ours = ['asking', 'servers', 'nats-server'].reduce((sum, role) => sum + used(role), 0);
  const took = engines.flatMap(({ ticks }) => ticks.flatMap((tick) => tick.took));
  const sorted = took.sort((a, b) => a - b);
  const read = engines.reduce((sum, { ticks }) => {
    const { prompted = 0, cached = 0 } = ticks.at(-1) ?? {};
    return sum + prompted - cached;
  }, 0);
  const steady = engines.map(({ ticks }) => steadyOf(ticks));
  const mean = (value: (one: { rate: number; running: number }) => number): number =>
    steady.reduce((sum, one) => sum + value(one), 0);
  return {
    tokensPerSecond: mean(({ rate }) => rate),
    samplesPerSecond: samples / seconds,
    passes: read / distinct,
    cpu: {
      asking: (used('asking') * 1000) / samples,
      bus: (used('nats-server') * 1000) / samples,
    },
    p50Ms: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
    p95Ms: sorted[Math.floor(sorted.length * 0.95)] ?? Number.NaN,
    busy: mean(({ running }) => running) / slots,
    coresOfOthers: Math.max(0, after.machine - before.machine - ours) / seconds,
  };
}

/** Waits for two more ticks, so that what was answered is in them. */
async function untilCounted({ ticks }: EngineProcess): Promise<void> {
  const enough = ticks.length + 2;
  while (ticks.length < enough) await delay(TICK_MS);
}

/** Tokens a second and sequences that ran, between a quarter and three quarters of all tokens. */
function steadyOf(ticks: readonly Tick[]): { rate: number; running: number } {
  const total = ticks.at(-1)?.generated ?? 0;
  const within = ticks.filter(
    ({ generated }) => generated >= total / 4 && generated <= (total * 3) / 4,
  );
  const [first, last] = [within[0], within.at(-1)];
  if (first === undefined || last === undefined || first === last)
    throw new Error('too short to be measured: give more waves');
  return {
    rate: ((last.generated - first.generated) / (last.at - first.at)) * 1000,
    running: within.reduce((sum, { running }) => sum + running, 0) / within.length,
  };
}
