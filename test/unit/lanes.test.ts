import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { Bus } from '../../shared/bus/bus.ts';
import { holdFor } from '../../shared/bus/lane.ts';
import { createLanes, type ServedQueue, type Work } from '../../shared/bus/lanes.ts';
import { PermanentError, TransientError } from '../../shared/contract/failure.ts';
import { randomFrom } from '../../shared/contract/random.ts';
import type { Result } from '../../shared/contract/work.ts';
import { onAbort } from '../../shared/process/signal.ts';
import { SimulatedBroker } from '../support/simulated-broker.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';
import { connectPeer } from '../support/simulated-peer.ts';

const run = 'run-a';
const queue = { kind: 'sample', run } as const;
const ackWaitMs = 3000;
const graceMs = 7000;
const log = pino({ level: 'silent' });

/** A broker with `units` units of one queue, and lanes that work them as told. */
async function start(units: number, work: Work, inHand: Pick<ServedQueue, 'lanes' | 'ahead'> = {}) {
  const clock = new SimulatedClock();
  const random = randomFrom(1, 'lanes');
  const faults = { maxLatencyMs: 2, lossRate: 0 };
  const broker = new SimulatedBroker({ clock, random, ackWaitMs, faults });
  const { bus } = connectPeer(broker);
  await bus.declare();
  await bus.declareQueue(queue);
  await bus.declareResults(run);
  for (let slice = 1; slice <= units; slice += 1)
    await bus.offer(queue, {
      kind: 'reference',
      run,
      queue: 'sample',
      unit: `r1-train-s000${slice}`,
    });
  const lanes = createLanes({ bus, clock, log, role: 'sampler', ackWaitMs, work });
  lanes.serve([{ ...queue, ...inHand }]);
  return { clock, broker, bus, lanes, [Symbol.asyncDispose]: () => clock[Symbol.asyncDispose]() };
}

function resultOf(unit: string): Result {
  return { kind: 'sample', run, unit, peer: 'sampler-1', items: [] };
}

/** Names of the units answered, in the order of their results; waits for `count`. */
async function answers(bus: Bus, count: number): Promise<string[]> {
  const stop = new AbortController();
  const units: string[] = [];
  for await (const { message, ack } of bus.results(run, stop.signal)) {
    await ack();
    units.push(message.unit);
    if (units.length === count) stop.abort();
  }
  return units;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    onAbort(signal, resolve);
  });
}

test('each unit is worked, answered and acked', async () => {
  const worked: string[] = [];
  await using setup = await start(5, ({ work: { unit } }) => {
    worked.push(unit);
    return Promise.resolve(resultOf(unit));
  });
  await answers(setup.bus, 5);
  await setup.lanes.drain(graceMs);
  expect(worked).toHaveLength(5);
  expect(setup.broker.work.subjects()).toEqual([]);
});

test('an outage holds the unit in hand, longer each time, and nobody else gets it', async () => {
  const at: number[] = [];
  const deliveries: number[] = [];
  await using setup = await start(1, (taken) => {
    at.push(setup.clock.now());
    deliveries.push(taken.deliveries);
    return at.length < 6
      ? Promise.reject(new TransientError('the server is away'))
      : Promise.resolve(resultOf(taken.work.unit));
  });
  await answers(setup.bus, 1);
  const pauses = at.slice(1).map((time, i) => Math.round((time - (at[i] ?? 0)) / 250) * 250);
  expect(pauses).toEqual([250, 500, 1000, 2000, 4000]);
  expect(new Set(deliveries)).toEqual(new Set([1]));
});

test('a unit is taken when the one before it is under way, and none into an outage', async () => {
  const worked: string[] = [];
  const begin: (() => void)[] = [];
  let away = true;
  const work: Work = async ({ work: { unit } }, signal, underWay) => {
    worked.push(unit);
    begin.push(underWay);
    if (away) throw new TransientError('the server is away');
    await aborted(signal);
    return resultOf(unit);
  };
  await using setup = await start(4, work, { lanes: 3, ahead: 1 });
  await setup.clock.sleep(5000);
  expect(new Set(worked).size).toBe(1);
  away = false;
  await setup.clock.sleep(10_000);
  expect(new Set(worked).size).toBe(1);
  begin.at(-1)?.();
  await setup.clock.sleep(3000);
  expect(new Set(worked).size).toBe(2);
  begin.at(-1)?.();
  await setup.clock.sleep(3000);
  begin.at(-1)?.();
  await setup.clock.sleep(3000);
  expect(new Set(worked).size).toBe(3);
  await setup.lanes.drain(0);
});

test('a lane whose unit is refused keeps its turn, so that the others do not go through the queue', async () => {
  const refused: string[] = [];
  const work: Work = ({ work: { unit } }) => {
    refused.push(unit);
    return Promise.reject(new PermanentError('no such profile'));
  };
  await using setup = await start(4, work, { lanes: 3, ahead: 1 });
  await setup.clock.sleep(900);
  expect(refused).toHaveLength(1);
  await setup.clock.sleep(1000);
  expect(refused).toHaveLength(2);
  await setup.lanes.drain(0);
});

test('lanes that wait for their turn end at once when they drain', async () => {
  let worked = 0;
  const work: Work = async ({ work: { unit } }) => {
    worked += 1;
    await setup.clock.sleep(500);
    return resultOf(unit);
  };
  const setup = await start(3, work, { lanes: 3, ahead: 1 });
  await setup.clock.sleep(300);
  await setup.lanes.drain(graceMs);
  expect(worked).toBe(1);
  await setup[Symbol.asyncDispose]();
});

test('a unit that cannot be worked here is given back and comes again', async () => {
  const deliveries: number[] = [];
  await using setup = await start(1, (taken) => {
    deliveries.push(taken.deliveries);
    return taken.deliveries < 3
      ? Promise.reject(new PermanentError('no such profile'))
      : Promise.resolve(resultOf(taken.work.unit));
  });
  await answers(setup.bus, 1);
  expect(deliveries).toEqual([1, 2, 3]);
});

test('a unit whose answer the bus did not take is not acked, and answered again without more work', async () => {
  let worked = 0;
  await using setup = await start(1, ({ work: { unit } }) => {
    worked += 1;
    setup.broker.declared = false;
    return Promise.resolve(resultOf(unit));
  });
  await setup.clock.sleep(2500);
  expect(setup.broker.work.subjects()).toHaveLength(1);
  expect(setup.broker.results.subjects()).toHaveLength(0);
  setup.broker.declared = true;
  expect(await answers(setup.bus, 1)).toHaveLength(1);
  expect(worked).toBe(1);
});

test('draining finishes the unit in hand, takes no other and gives none back', async () => {
  const worked: string[] = [];
  const both = new AbortController();
  await using setup = await start(4, async ({ work: { unit } }) => {
    worked.push(unit);
    if (worked.length === 2) both.abort();
    await setup.clock.sleep(1500);
    return resultOf(unit);
  });
  await aborted(both.signal);
  await setup.lanes.drain(graceMs);
  expect(worked).toHaveLength(2);
  expect(setup.broker.work.subjects()).toHaveLength(2);
  expect((await answers(setup.bus, 2)).sort()).toEqual(worked.sort());
});

test('draining gives back a held unit at once, and a slow one when the grace is over', async () => {
  const worked = new Set<string>();
  const both = new AbortController();
  await using setup = await start(2, ({ work: { unit } }, signal) => {
    worked.add(unit);
    if (worked.size === 2) both.abort();
    if (worked.size === 1) return Promise.reject(new TransientError('the server is away'));
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        reject(new Error('given up'));
      });
    });
  });
  await aborted(both.signal);
  const began = setup.clock.now();
  await setup.lanes.drain(graceMs);
  expect(setup.clock.now() - began).toBeLessThan(graceMs + 100);
  const other = await setup.bus.next(queue, 1000, new AbortController().signal);
  expect(other?.deliveries).toBe(2);
});

test('a lane that meets a bug fails, for the process to end', async () => {
  await using setup = await start(1, () => Promise.reject(new TypeError('a bug')));
  await expect(setup.lanes.failed).rejects.toThrow('a bug');
});

test('lanes of a queue that is no longer wanted are drained, those of a new one opened', async () => {
  await using setup = await start(1, ({ work: { unit } }) => Promise.resolve(resultOf(unit)));
  await answers(setup.bus, 1);
  setup.lanes.serve([]);
  await setup.clock.sleep(2000);
  const unit = 'r1-train-s0002';
  await setup.bus.offer(queue, { kind: 'reference', run, queue: 'sample', unit });
  await setup.clock.sleep(5000);
  expect(setup.broker.work.subjects()).toHaveLength(1);
  setup.lanes.serve([queue]);
  expect(await answers(setup.bus, 1)).toEqual([unit]);
});

test('the other side may wish a longer pause, up to a minute', () => {
  const wish = (retryAfterMs: number) => new TransientError('busy', { retryAfterMs });
  expect(holdFor(1, wish(5000))).toBe(5000);
  expect(holdFor(1, wish(1))).toBe(250);
  expect(holdFor(1, wish(3_600_000))).toBe(60_000);
  expect(holdFor(99, new TransientError('away'))).toBe(10_000);
});
