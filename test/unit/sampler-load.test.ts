import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { watchLoad } from '../../agents/sampler/load.ts';
import type { Queue } from '../../agents/sampler/servers/driver.ts';
import { createConcurrency } from '../../shared/process/concurrency.ts';

const { signal } = new AbortController();

/** Requests of an hour at a server of 64 slots, which tells of them or not. */
async function explore(tells: boolean) {
  const limit = new AbortController();
  setMaxListeners(0, limit.signal);
  const concurrency = createConcurrency({ ceiling: 1024, start: 16, isOverload: () => false });
  let asked = 0;
  let underWay = 0;
  const queue = (): Queue => ({
    running: Math.min(64, underWay),
    waiting: Math.max(0, underWay - 64),
    cache: 0,
  });
  const watched = watchLoad({
    queue: () => {
      asked += 1;
      return Promise.resolve(tells ? queue() : null);
    },
  });
  const request = async (): Promise<void> => {
    underWay += 1;
    await delay(3_600_000, undefined, { signal: limit.signal });
  };
  const requests = Array.from({ length: 500 }, () => {
    const done = concurrency.run(request, limit.signal);
    watched.explore(concurrency, signal);
    return done;
  });
  await delay(1500);
  limit.abort();
  await Promise.allSettled(requests);
  return { limit: concurrency.limit, asked, told: watched.told, load: watched.load };
}

test('a server that tells of its queue is given more until some waits, before it has answered anything', async () => {
  const { limit, asked, load } = await explore(true);
  expect([limit, load]).toEqual([128, 'full']);
  expect(asked).toBeLessThan(8);
});

test('one that does not is given more by its answers alone', async () => {
  expect(await explore(false)).toMatchObject({ limit: 16, told: false });
});
