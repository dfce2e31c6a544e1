import { setTimeout as delay } from 'node:timers/promises';
import { cpuSeconds, machineSeconds, type Spread, spreadOf } from '../loop/figures.ts';
import { LANES, type Setup } from './setup.ts';
import { makeUnit } from './units.ts';

/** One measurement of so many judge processes. Times are in ms. */
export interface Point {
  readonly processes: number;
  /** Of the provider; null where the judge computes. */
  readonly latencyMs: number | null;
  readonly verdictsPerSecond: number;
  /** Processes x lanes / latency; null where there is no latency. */
  readonly ideal: number | null;
  /** From the first offer until as many calls were under way as there are lanes; null where that did not come about. */
  readonly warmUpMs: number | null;
  /** Processor time in ms for each verdict, by role. */
  readonly cpu: Readonly<Record<string, number>>;
  /** Bytes of messages in and out of the bus, for each verdict. */
  readonly busBytes: number;
  /** Cores that were busy with anything else than this bench: with much of that the figures say little. */
  readonly coresOfOthers: number;
  /** From the offer of a unit to its stored result, while all lanes are busy and few units wait. */
  readonly busyMs: Spread;
  /** The same of a unit of one text for each process, while nothing else is under way. */
  readonly quietMs: Spread;
}

/** Units that wait for each one in a lane: enough for a lane that is free, and little to wait for. */
const WAITING = 0.25;
const POLL_MS = 20;
/** Lanes that a limit lets in one by one are all in after a few answers. */
const WARM_UP_ANSWERS = 12;
const WARM_UP_MS = 3000;
const QUIET_ROUNDS = 3;
/** Of a judge that computes: two for each process, one worked while the other is answered, and as many that wait. */
const COMPUTED_UNITS = 4;

/** At a provider that answers after `latencyMs`, over so many seconds. */
export async function measureAsked(
  setup: Setup,
  processes: number,
  latencyMs: number,
  seconds: number,
): Promise<Point> {
  const { provider, feed } = setup;
  const lanes = processes * LANES;
  await provider.ask({ delayMs: latencyMs });
  feed.keep('asked', Math.ceil(lanes * (1 + WAITING)));
  const warmUpMs = await untilBusy(setup, lanes, WARM_UP_MS + WARM_UP_ANSWERS * latencyMs);
  const window = await measureWindow(setup, seconds);
  await feed.drain();
  return {
    processes,
    latencyMs,
    ...window.of(window.answered),
    verdictsPerSecond: window.answered / window.seconds,
    ideal: (lanes / latencyMs) * 1000,
    warmUpMs,
    busyMs: window.busyMs,
    quietMs: await measureQuiet(setup, processes, 'asked'),
  };
}

/** Of a judge that only computes. */
export async function measureComputed(
  setup: Setup,
  processes: number,
  seconds: number,
): Promise<Point> {
  const { feed } = setup;
  feed.keep('computed', processes * COMPUTED_UNITS);
  await delay(WARM_UP_MS);
  const window = await measureWindow(setup, seconds);
  await feed.drain();
  return {
    processes,
    latencyMs: null,
    ...window.of(window.stored),
    verdictsPerSecond: window.stored / window.seconds,
    ideal: null,
    warmUpMs: null,
    busyMs: window.busyMs,
    quietMs: await measureQuiet(setup, processes, 'computed'),
  };
}

async function untilBusy(
  { provider }: Setup,
  lanes: number,
  atMostMs: number,
): Promise<number | null> {
  const start = performance.now();
  while (performance.now() - start < atMostMs) {
    const { underWay } = await provider.ask({ look: true });
    if (underWay >= lanes) return performance.now() - start;
    await delay(POLL_MS);
  }
  return null;
}

/** What the judges do in a span of time. */
async function measureWindow({ provider, feed, pids, busBytes }: Setup, seconds: number) {
  const count = async () => ({
    cpu: await cpuSeconds(pids()),
    machine: await machineSeconds(),
    bytes: await busBytes(),
  });
  const before = await count();
  const { now: from } = await provider.ask({ look: true });
  const start = performance.now();
  await delay(seconds * 1000);
  const { now: to } = await provider.ask({ look: true });
  const end = performance.now();
  const after = await count();
  const { answered } = await provider.ask({ from, to });
  const used = Array.from(after.cpu, ([role, used]): [string, number] => [
    role,
    used - (before.cpu.get(role) ?? 0),
  ]);
  const ours = used.reduce((sum, [, seconds]) => sum + seconds, 0);
  const stored = feed.stored.filter(({ at }) => at >= start && at < end);
  return {
    seconds: (end - start) / 1000,
    answered,
    stored: stored.reduce((sum, { verdicts }) => sum + verdicts, 0),
    busyMs: spreadOf(stored.map(({ tookMs }) => tookMs)),
    of: (verdicts: number) => ({
      cpu: Object.fromEntries(used.map(([role, seconds]) => [role, (seconds * 1000) / verdicts])),
      coresOfOthers: Math.max(0, after.machine - before.machine - ours) / ((end - start) / 1000),
      busBytes: (after.bytes - before.bytes) / verdicts,
    }),
  };
}

async function measureQuiet(
  { feed }: Setup,
  processes: number,
  kind: 'asked' | 'computed',
): Promise<Spread> {
  const took: number[] = [];
  for (let round = 0; round < QUIET_ROUNDS; round += 1) {
    const units = Array.from({ length: processes }, () => feed.ask(makeUnit(kind, 1)));
    took.push(...(await Promise.all(units)).map(({ tookMs }) => tookMs));
  }
  return spreadOf(took);
}
