import { describe, expect, test } from 'vitest';
import type { Bus, Delivery } from '../../shared/bus/bus.ts';
import { TransientError } from '../../shared/contract/failure.ts';
import type { Queue } from '../../shared/contract/subjects.ts';
import type { Result, Work } from '../../shared/contract/work.ts';
import type { BusUnderTest } from './bus-under-test.ts';

const never = new AbortController().signal;
const sampling: Queue = { kind: 'sample', run: 'run-a' };
const judging: Queue = { kind: 'judge', judge: 'span' };

function unitOf(slice: number, run = 'run-a', queue = 'sample'): Work {
  return { kind: 'reference', run, queue, unit: `r1-train-s${String(slice).padStart(4, '0')}` };
}

function resultOf(slice: number, run = 'run-a'): Result {
  return { kind: 'sample', run, unit: unitOf(slice).unit, peer: 'worker', items: [] };
}

/** What every Bus promises (B1–B3); run against NATS JetStream and against the simulated broker. */
export function testBus(name: string, make: () => Promise<BusUnderTest>): void {
  describe.concurrent(name, () => {
    testWork(make);
    testResults(make);
  });
}

async function declared(subject: BusUnderTest): Promise<Bus> {
  const { bus } = await subject.connect('curator');
  await bus.declare();
  await bus.declareQueue(sampling);
  await bus.declareQueue(judging);
  await bus.declareResults('run-a');
  return bus;
}

/** The next unit, which must come. */
async function take(bus: Bus, queue = sampling): Promise<Delivery<Work>> {
  const delivery = await bus.next(queue, 5000, never);
  if (delivery === undefined) throw new Error('no unit came');
  return delivery;
}

function testWork(make: () => Promise<BusUnderTest>): void {
  test('declaring twice changes nothing', async () => {
    await using subject = await make();
    const bus = await declared(subject);
    await bus.offer(sampling, unitOf(1));
    await declared(subject);
    expect(await bus.offered('run-a', sampling)).toEqual(new Set(['r1-train-s0001']));
  });

  test('before anything is declared, every call is transient', async () => {
    await using subject = await make();
    const { bus, directory } = await subject.connect('worker');
    await expect(bus.offer(sampling, unitOf(1))).rejects.toThrow(TransientError);
    await expect(bus.next(sampling, 1000, never)).rejects.toThrow(TransientError);
    await expect(bus.offered('run-a', sampling)).rejects.toThrow(TransientError);
    await expect(bus.answer(resultOf(1))).rejects.toThrow(TransientError);
    await expect(bus.unsettledResults('run-a')).rejects.toThrow(TransientError);
    await expect(bus.results('run-a', never)[Symbol.asyncIterator]().next()).rejects.toThrow(
      TransientError,
    );
    await expect(directory.peers()).rejects.toThrow(TransientError);
  });

  test('a unit is refused while it is queued, in flight or given back, and accepted once settled', async () => {
    await using subject = await make();
    const bus = await declared(subject);
    expect(await bus.offer(sampling, unitOf(1))).toBe('stored');
    expect(await bus.offer(sampling, unitOf(1))).toBe('present');
    const first = await take(bus);
    expect(await bus.offer(sampling, unitOf(1))).toBe('present');
    first.giveBack(0);
    expect(await bus.offer(sampling, unitOf(1))).toBe('present');
    const second = await take(bus);
    await second.ack();
    expect(await bus.offer(sampling, unitOf(1))).toBe('stored');
  });

  test('units come as they were offered, each to one worker', async () => {
    await using subject = await make();
    const bus = await declared(subject);
    const { bus: other } = await subject.connect('other');
    for (const slice of [1, 2, 3]) await bus.offer(sampling, unitOf(slice));
    const taken = [await take(bus), await take(other), await take(bus)];
    expect(taken.map(({ message }) => message.unit)).toEqual(
      [1, 2, 3].map((slice) => unitOf(slice).unit),
    );
    expect(taken[0]?.message).toEqual(unitOf(1));
    expect(await bus.next(sampling, 1000, never)).toBeUndefined();
  });

  test('a judge has one queue over all runs, and each run sees its own window', async () => {
    await using subject = await make();
    const bus = await declared(subject);
    await bus.offer(judging, unitOf(1, 'run-a', 'span'));
    await bus.offer(judging, unitOf(1, 'run-b', 'span'));
    expect(await bus.offered('run-b', judging)).toEqual(new Set(['r1-train-s0001']));
    const runs = [await take(bus, judging), await take(bus, judging)];
    expect(runs.map(({ message }) => message.run).sort()).toEqual(['run-a', 'run-b']);
  });

  test('a unit that nobody acknowledges is delivered again, and says how often', async () => {
    await using subject = await make();
    const bus = await declared(subject);
    await bus.offer(sampling, unitOf(1));
    expect((await take(bus)).deliveries).toBe(1);
    await subject.pass(subject.ackWaitMs + 200);
    expect((await take(bus)).deliveries).toBe(2);
  });

  test('a unit that is renewed stays with its worker', async () => {
    await using subject = await make();
    const bus = await declared(subject);
    await bus.offer(sampling, unitOf(1));
    const delivery = await take(bus);
    for (let third = 0; third < 5; third += 1) {
      await subject.pass(subject.ackWaitMs / 3);
      delivery.working();
    }
    const { bus: other } = await subject.connect('other');
    expect(await other.next(sampling, 1000, never)).toBeUndefined();
    await delivery.ack();
    expect(await bus.offered('run-a', sampling)).toEqual(new Set());
  });

  test('a unit that is given back with a delay comes after it', async () => {
    await using subject = await make();
    const bus = await declared(subject);
    await bus.offer(sampling, unitOf(1));
    (await take(bus)).giveBack(1500);
    expect(await bus.next(sampling, 1000, never)).toBeUndefined();
    expect((await take(bus)).deliveries).toBe(2);
  });

  test('a late acknowledgement is accepted, though another worker has the unit', async () => {
    await using subject = await make();
    const bus = await declared(subject);
    await bus.offer(sampling, unitOf(1));
    const slow = await take(bus);
    await subject.pass(subject.ackWaitMs + 200);
    const quick = await take(bus);
    await slow.ack();
    await quick.ack();
    expect(await bus.offered('run-a', sampling)).toEqual(new Set());
  });

  test('an abort ends the wait at once, and the unit that comes then is not lost', async () => {
    await using subject = await make();
    const bus = await declared(subject);
    const stop = new AbortController();
    const waiting = bus.next(sampling, 5000, stop.signal);
    stop.abort();
    expect(await waiting).toBeUndefined();
    expect(await bus.next(sampling, 5000, stop.signal)).toBeUndefined();
    await bus.offer(sampling, unitOf(1));
    const { bus: other } = await subject.connect('other');
    await expect(take(other)).resolves.toMatchObject({ message: unitOf(1) });
  });

  test('after the broker has lost its store, all is transient until it is declared again', async () => {
    await using subject = await make();
    const bus = await declared(subject);
    await bus.offer(sampling, unitOf(1));
    const held = await take(bus);
    await subject.wipe();
    await expect(bus.next(sampling, 1000, never)).rejects.toThrow(TransientError);
    await expect(held.ack()).rejects.toThrow(TransientError);
    await bus.declare();
    await bus.declareQueue(sampling);
    expect(await bus.offered('run-a', sampling)).toEqual(new Set());
    expect(await bus.offer(sampling, unitOf(1))).toBe('stored');
    await expect(take(bus)).resolves.toMatchObject({ message: unitOf(1) });
  });
}

function testResults(make: () => Promise<BusUnderTest>): void {
  test('results come to the reader of their run, and count as unsettled until they are acknowledged', async () => {
    await using subject = await make();
    const bus = await declared(subject);
    await bus.declareResults('run-b');
    await bus.answer(resultOf(1));
    await bus.answer(resultOf(2, 'run-b'));
    expect(await bus.unsettledResults('run-a')).toBe(1);
    const stop = new AbortController();
    for await (const delivery of bus.results('run-a', stop.signal)) {
      expect(delivery.message).toEqual(resultOf(1));
      expect(await bus.unsettledResults('run-a')).toBe(1);
      await delivery.ack();
      stop.abort();
    }
    expect(await bus.unsettledResults('run-a')).toBe(0);
    expect(await bus.unsettledResults('run-b')).toBe(1);
  });

  test('what a reader has not acknowledged comes to the next one, without the ack wait', async () => {
    await using subject = await make();
    const bus = await declared(subject);
    for (const slice of [1, 2, 3]) await bus.answer(resultOf(slice));
    for await (const { message } of bus.results('run-a', never)) {
      expect(message.unit).toBe(unitOf(1).unit);
      break;
    }
    const units: string[] = [];
    const stop = new AbortController();
    for await (const delivery of bus.results('run-a', stop.signal)) {
      units.push(delivery.message.unit);
      await delivery.ack();
      if (units.length === 3) stop.abort();
    }
    expect(units.sort()).toEqual([1, 2, 3].map((slice) => unitOf(slice).unit));
  });

  test('an abort ends the reading at once', async () => {
    await using subject = await make();
    const bus = await declared(subject);
    const stop = new AbortController();
    const reading = bus.results('run-a', stop.signal)[Symbol.asyncIterator]().next();
    stop.abort();
    expect(await reading).toEqual({ done: true, value: undefined });
  });

  test('a reader whose durable is gone learns it', async () => {
    await using subject = await make();
    const bus = await declared(subject);
    const reading = bus.results('run-a', never)[Symbol.asyncIterator]().next();
    const learned = expect(reading).rejects.toThrow(TransientError);
    await subject.pass(200);
    await subject.wipe();
    await learned;
  });

  test('a fact may be announced again', async () => {
    await using subject = await make();
    const bus = await declared(subject);
    await bus.announce('run-a', 3, { fact: 'run.resumed' });
    await bus.announce('run-a', 3, { fact: 'run.resumed' });
  });
}
