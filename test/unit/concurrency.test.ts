import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createConcurrency, type Load } from '../../shared/process/concurrency.ts';

const { signal } = new AbortController();
const overload = new Error('busy');

function make(ceiling = 64) {
  return createConcurrency({ ceiling, isOverload: (error) => error === overload });
}

/** A task that ends when told to. */
function task() {
  let end = (_error?: Error): void => undefined;
  let started = false;
  const ended = new Promise<void>((resolve, reject) => {
    end = (error) => {
      if (error === undefined) resolve();
      else reject(error);
    };
  });
  return {
    run: () => {
      started = true;
      return ended;
    },
    end,
    started: () => started,
  };
}

async function succeed(concurrency: ReturnType<typeof make>, times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) await concurrency.run(() => Promise.resolve(), signal);
}

async function fail(concurrency: ReturnType<typeof make>, error: Error): Promise<void> {
  await concurrency.run(() => Promise.reject(error), signal).catch(() => undefined);
}

test('two tasks run at once at first, a third waits until one has ended', async () => {
  const concurrency = make(2);
  const tasks = [task(), task(), task()];
  const runs = tasks.map(({ run }) => concurrency.run(run, signal));
  await setImmediate();
  expect(tasks.map(({ started }) => started())).toEqual([true, true, false]);
  tasks[0]?.end();
  await setImmediate();
  expect(tasks[2]?.started()).toBe(true);
  tasks[1]?.end();
  tasks[2]?.end();
  await Promise.all(runs);
});

test('a ceiling of one is kept from the start', () => {
  expect(make(1).limit).toBe(1);
});

test('each success adds one until the ceiling', async () => {
  const concurrency = make(10);
  await succeed(concurrency, 5);
  expect(concurrency.limit).toBe(7);
  await succeed(concurrency, 50);
  expect(concurrency.limit).toBe(10);
});

test('an overload halves the limit, and after it a whole round of successes adds one', async () => {
  const concurrency = make();
  await succeed(concurrency, 14);
  await fail(concurrency, overload);
  expect(concurrency.limit).toBe(8);
  await succeed(concurrency, 9);
  expect(concurrency.limit).toBe(9);
});

test('tasks that fail together by one overload halve the limit once', async () => {
  const concurrency = make();
  await succeed(concurrency, 14);
  const tasks = Array.from({ length: 8 }, task);
  const runs = tasks.map(({ run }) => concurrency.run(run, signal).catch(() => undefined));
  for (const { end } of tasks) end(overload);
  await Promise.all(runs);
  expect(concurrency.limit).toBe(8);
});

test('the limit never falls below one', async () => {
  const concurrency = make();
  for (let i = 0; i < 5; i += 1) await fail(concurrency, overload);
  expect(concurrency.limit).toBe(1);
});

test('another failure leaves the limit as it is', async () => {
  const concurrency = make();
  await fail(concurrency, new Error('wrong model'));
  expect(concurrency.limit).toBe(2);
});

test('a task that gives up while it waits takes no room', async () => {
  const concurrency = make(2);
  const tasks = [task(), task()];
  const runs = tasks.map(({ run }) => concurrency.run(run, signal));
  const giveUp = new AbortController();
  const waiting = concurrency.run(() => Promise.resolve(), giveUp.signal);
  giveUp.abort(new Error('given up'));
  await expect(waiting).rejects.toThrow('given up');
  for (const { end } of tasks) end();
  await Promise.all(runs);
  await succeed(concurrency, 1);
});

test('a full load stops the growth, and one that is over halves the limit', async () => {
  let load: Load = 'free';
  const concurrency = createConcurrency({ ceiling: 64, isOverload: () => false, load: () => load });
  await succeed(concurrency, 8);
  expect(concurrency.limit).toBe(10);
  load = 'full';
  await succeed(concurrency, 8);
  expect(concurrency.limit).toBe(10);
  load = 'over';
  const together = [task(), task(), task()];
  const runs = together.map(({ run }) => concurrency.run(run, signal));
  for (const { end } of together) end();
  await Promise.all(runs);
  expect(concurrency.limit).toBe(5);
});

test('a task of several places waits for all of them, and each of its successes makes room for one', async () => {
  const concurrency = createConcurrency({ ceiling: 4, start: 4, isOverload: () => false });
  let succeedOne = (): void => undefined;
  const large = task();
  const running = concurrency.run(
    (succeeded) => {
      succeedOne = succeeded;
      return large.run();
    },
    signal,
    3,
  );
  const next = task();
  const waiting = concurrency.run(next.run, signal, 3);
  await setImmediate();
  succeedOne();
  await setImmediate();
  expect(next.started()).toBe(false);
  succeedOne();
  await setImmediate();
  expect(next.started()).toBe(true);
  large.end();
  next.end();
  await Promise.all([running, waiting]);
  const alone = [task(), task(), task(), task()];
  const four = alone.map(({ run }) => concurrency.run(run, signal));
  await setImmediate();
  expect(alone.every(({ started }) => started())).toBe(true);
  for (const { end } of alone) end();
  await Promise.all(four);
});

test('a task of more places than there are runs alone', async () => {
  const concurrency = make(2);
  const [large, small] = [task(), task()];
  const runs = [concurrency.run(large.run, signal, 7), concurrency.run(small.run, signal)];
  await setImmediate();
  expect([large.started(), small.started()]).toEqual([true, false]);
  large.end();
  await setImmediate();
  expect(small.started()).toBe(true);
  small.end();
  await Promise.all(runs);
});

test('a large task that gives up lets in what waited behind it', async () => {
  const concurrency = make(2);
  const [first, last] = [task(), task()];
  const giveUp = new AbortController();
  const running = concurrency.run(first.run, signal);
  const large = concurrency.run(() => Promise.resolve(), giveUp.signal, 2);
  const behind = concurrency.run(last.run, signal);
  giveUp.abort(new Error('given up'));
  await expect(large).rejects.toThrow('given up');
  await setImmediate();
  expect(last.started()).toBe(true);
  first.end();
  last.end();
  await Promise.all([running, behind]);
});
