import { setMaxListeners } from 'node:events';
import { expect, test } from 'vitest';
import { createLimit, type Limit } from '../../agents/judges/providers/limit.ts';
import {
  LateError,
  OverloadedError,
  RateLimitedError,
} from '../../agents/judges/providers/overload.ts';
import { createPace } from '../../agents/judges/providers/pace.ts';
import { persist } from '../../agents/judges/providers/persist.ts';
import { PermanentError, TransientError } from '../../shared/contract/failure.ts';
import { randomFrom } from '../../shared/contract/random.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';

const { signal } = new AbortController();
// All callers of a storm wait with it.
setMaxListeners(0, signal);
const SECOND = 1000;
/** No process asks in its first millisecond. */
const BEGIN = 100 * SECOND;

interface Limited {
  /** Requests that are let through in any `windowMs`. */
  most: number;
  windowMs: number;
  latencyMs: number;
  /** What a refusal says, of the time until there is room again. */
  says: (ms: number) => number | undefined;
}

/** A server that refuses what is above its limit, and when it was asked, counted from BEGIN. */
function limitedServer(clock: SimulatedClock, { most, windowMs, latencyMs, says }: Limited) {
  const asked: { at: number; allowed: boolean }[] = [];
  const answer = async (): Promise<void> => {
    const at = clock.now() - BEGIN;
    const oldest = asked.filter((one) => one.allowed && one.at > at - windowMs).at(-most);
    asked.push({ at, allowed: oldest === undefined });
    if (oldest === undefined) {
      await clock.sleep(latencyMs);
      return;
    }
    await clock.sleep(5);
    const retryAfterMs = says(oldest.at + windowMs - at);
    throw new RateLimitedError('slow down', retryAfterMs === undefined ? {} : { retryAfterMs });
  };
  return { asked, answer };
}

/** Has `callers` ask over and over until `total` requests were answered; returns how long that took. */
async function storm(
  clock: SimulatedClock,
  answer: () => Promise<void>,
  { callers, total, limit }: { callers: number; total: number; limit?: Limit },
): Promise<number> {
  const seeded = randomFrom('storm', callers);
  const random = (): number => seeded.integer(1_000_000) / 1_000_000;
  const { run } = limit ?? createLimit(callers, { pace: createPace(clock, random) });
  let left = total;
  const call = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await hold(() => persist(() => run(answer, signal), signal, { clock, random }));
    }
  };
  // As a lane does with its unit.
  const hold = async (ask: () => Promise<void>): Promise<void> => {
    try {
      await ask();
    } catch (error) {
      if (!(error instanceof RateLimitedError)) throw error;
      await clock.sleep(error.retryAfterMs ?? 0);
      await hold(ask);
    }
  };
  await clock.sleep(BEGIN);
  await Promise.all(Array.from({ length: callers }, call));
  return clock.now() - BEGIN;
}

/** Requests in a ms from a time on, those that were refused too. */
function rateFrom(from: number, until: number, asked: readonly { at: number }[]): number {
  return asked.filter(({ at }) => at > from).length / (until - from);
}

const seconds = (ms: number): number => Math.ceil(ms / SECOND) * SECOND;

test.each<[string, Limited, number]>([
  ['5 a second, told in seconds', { most: 5, windowMs: SECOND, latencyMs: 50, says: seconds }, 200],
  ['5 a second, told exactly', { most: 5, windowMs: SECOND, latencyMs: 50, says: (ms) => ms }, 200],
  [
    '5 a second, told generously',
    { most: 5, windowMs: SECOND, latencyMs: 50, says: (ms) => ms + 700 },
    200,
  ],
  ['1 a second, told exactly', { most: 1, windowMs: SECOND, latencyMs: 50, says: (ms) => ms }, 60],
  [
    '5 a second, of slow answers',
    { most: 5, windowMs: SECOND, latencyMs: 2500, says: seconds },
    300,
  ],
  [
    '50 a second, told in seconds',
    { most: 50, windowMs: SECOND, latencyMs: 100, says: seconds },
    2000,
  ],
  ['120 a minute', { most: 120, windowMs: 60 * SECOND, latencyMs: 100, says: seconds }, 600],
])('a storm against a limit of %s keeps to it and uses it', async (_, limited, total) => {
  await using clock = new SimulatedClock();
  const server = limitedServer(clock, limited);
  const took = await storm(clock, server.answer, { callers: 20, total });
  const perMs = limited.most / limited.windowMs;
  const learnt = Math.max(3 * SECOND, limited.windowMs);
  expect(rateFrom(learnt, took, server.asked)).toBeLessThanOrEqual(1.1 * perMs);
  expect(server.asked.filter(({ allowed }) => allowed)).toHaveLength(total);
  expect(took).toBeLessThan((1.3 * total) / perMs);
});

test('a limit that is never told is found all the same', async () => {
  await using clock = new SimulatedClock();
  const server = limitedServer(clock, {
    most: 5,
    windowMs: SECOND,
    latencyMs: 50,
    says: () => undefined,
  });
  const took = await storm(clock, server.answer, { callers: 20, total: 200 });
  expect(rateFrom(5 * SECOND, took, server.asked) * SECOND).toBeLessThanOrEqual(1.1 * 5);
  expect(took).toBeLessThan(1.3 * 40 * SECOND);
});

test('after a day without refusal a limit is learnt anew', async () => {
  await using clock = new SimulatedClock();
  const limit = createLimit(20, { pace: createPace(clock, () => 0.5) });
  const limited = { most: 5, windowMs: SECOND, latencyMs: 50, says: seconds };
  const server = limitedServer(clock, limited);
  await storm(clock, server.answer, { callers: 20, total: 60, limit });
  await clock.sleep(24 * 3600 * SECOND);
  const again = clock.now();
  const until = await storm(clock, server.answer, { callers: 20, total: 60, limit });
  expect(rateFrom(again + 3 * SECOND, until, server.asked) * SECOND).toBeLessThanOrEqual(1.1 * 5);
});

test('a provider without a limit is not slowed down', async () => {
  await using clock = new SimulatedClock();
  const took = await storm(clock, () => clock.sleep(10), { callers: 20, total: 2000 });
  expect(took).toBeLessThan(1200);
});

test('one refusal holds all callers back for as long as it says', async () => {
  await using clock = new SimulatedClock();
  const limit = createLimit(4, { pace: createPace(clock, () => 0.5) });
  const refused = limit.run(
    () => Promise.reject(new RateLimitedError('slow down', { retryAfterMs: 7000 })),
    signal,
  );
  await expect(refused).rejects.toMatchObject({ retryAfterMs: 7000 });
  await limit.run(() => Promise.resolve(), signal);
  expect(clock.now()).toBe(7000);
});

test('a refusal that says nothing gets a pause of our own', async () => {
  await using clock = new SimulatedClock();
  const limit = createLimit(4, { pace: createPace(clock, () => 0.5) });
  const refuse = () => Promise.reject(new RateLimitedError('slow down'));
  await expect(limit.run(refuse, signal)).rejects.toMatchObject({ retryAfterMs: 250 });
  await expect(limit.run(refuse, signal)).rejects.toMatchObject({ retryAfterMs: 500 });
});

test('whoever gives up while it waits takes no room', async () => {
  await using clock = new SimulatedClock();
  const limit = createLimit(1, { pace: createPace(clock, () => 0.5) });
  const refuse = () => Promise.reject(new RateLimitedError('no', { retryAfterMs: 60_000 }));
  await limit.run(refuse, signal).catch(() => undefined);
  const giveUp = new AbortController();
  const waiting = limit.run(() => Promise.resolve(), giveUp.signal);
  giveUp.abort(new Error('given up'));
  await expect(waiting).rejects.toThrow('given up');
  await limit.run(() => Promise.resolve(), signal);
});

/** Fails with these in turn, then answers. */
function failing(errors: readonly Error[]) {
  const left = [...errors];
  let attempts = 0;
  const attempt = (): Promise<string> => {
    attempts += 1;
    const error = left.shift();
    return error === undefined ? Promise.resolve('answer') : Promise.reject(error);
  };
  return { attempt, attempts: () => attempts };
}

const away = new TransientError('away');

test('a failure that may pass is tried three times, then handed up', async () => {
  await using clock = new SimulatedClock();
  const deps = { clock, random: () => 0.5 };
  const passing = failing([away, away]);
  expect(await persist(passing.attempt, signal, deps)).toBe('answer');
  expect(clock.now()).toBe(250 + 500);
  const lasting = failing([away, away, away, away]);
  await expect(persist(lasting.attempt, signal, deps)).rejects.toBe(away);
  expect(lasting.attempts()).toBe(3);
});

test('a busy provider is waited for as it wishes, which costs no try', async () => {
  await using clock = new SimulatedClock();
  const busy = new OverloadedError('busy', { retryAfterMs: 9000 });
  const { attempt } = failing([busy, busy, away, busy, busy, away]);
  expect(await persist(attempt, signal, { clock, random: () => 0.5 })).toBe('answer');
  expect(clock.now()).toBe(4 * 9000 + 250 + 500);
});

test('a busy provider is waited for no longer than a minute, then its wish goes up', async () => {
  await using clock = new SimulatedClock();
  const busy = new RateLimitedError('busy', { retryAfterMs: 25_000 });
  const { attempt, attempts } = failing([busy, busy, busy, busy]);
  await expect(persist(attempt, signal, { clock, random: () => 0.5 })).rejects.toBe(busy);
  expect(clock.now()).toBe(50_000);
  expect(attempts()).toBe(3);
});

test('a wish for the whole minute is followed, though times were added to it and taken away', async () => {
  await using clock = new SimulatedClock();
  const busy = new RateLimitedError('busy', { retryAfterMs: 60_000.000_000_000_01 });
  const { attempt } = failing([busy]);
  expect(await persist(attempt, signal, { clock, random: () => 0.5 })).toBe('answer');
});

test.each([
  ['a late answer', new LateError('late')],
  ['a failure that trying again cannot help', new PermanentError('no')],
])('%s is not tried again', async (_, error) => {
  await using clock = new SimulatedClock();
  const { attempt, attempts } = failing([error]);
  await expect(persist(attempt, signal, { clock, random: () => 0.5 })).rejects.toBe(error);
  expect(attempts()).toBe(1);
});
