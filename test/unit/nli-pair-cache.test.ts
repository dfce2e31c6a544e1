import { expect, test } from 'vitest';
import type { NliModel, NliPair } from '../../agents/judges/nli/nli.ts';
import { withPairCache } from '../../agents/judges/nli/pair-cache.ts';
import { TransientError } from '../../shared/contract/failure.ts';
import { randomFrom } from '../../shared/contract/random.ts';
import { tableNli } from '../support/nli-service.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';
import { SimulatedDisk } from '../support/simulated-store.ts';

const { signal } = new AbortController();
const premises = ['Ada lives in Oslo.', 'Ben bakes bread.'];

/** Answers by the table and keeps what it was asked, call by call. */
function makeModel(name = 'a'): NliModel & { readonly asked: NliPair[][] } {
  const asked: NliPair[][] = [];
  return {
    asked,
    identity: () => Promise.resolve({ name }),
    classify: (pairs) => {
      asked.push([...pairs]);
      return Promise.resolve(pairs.map(expected));
    },
  };
}

function expected(pair: NliPair): { ent: number; con: number } {
  const { ent, con } = tableNli(pair);
  return { ent, con };
}

function pairsWith(...hypotheses: readonly string[]): NliPair[] {
  return premises.flatMap((premise) => hypotheses.map((one): NliPair => [premise, one]));
}

async function openStore() {
  const clock = new SimulatedClock();
  const store = await new SimulatedDisk(clock, randomFrom(1, 'store')).open();
  return { store, [Symbol.asyncDispose]: () => clock[Symbol.asyncDispose]() };
}

test('a pair is asked once, within a call and after it, and every answer keeps its place', async () => {
  const model = makeModel();
  const nli = withPairCache(model);
  const first = pairsWith('one', 'two', 'one');
  expect(await nli.classify(first, signal)).toEqual(first.map(expected));
  const second = pairsWith('three', 'two');
  expect(await nli.classify(second, signal)).toEqual(second.map(expected));
  expect(await nli.classify(first, signal)).toEqual(first.map(expected));
  expect(model.asked).toEqual([pairsWith('one', 'two'), pairsWith('three')]);
});

test('what is in the store is not asked by the next process, and another model finds nothing there', async () => {
  await using setup = await openStore();
  const pairs = pairsWith('one', 'two');
  await withPairCache(makeModel(), setup.store).classify(pairs, signal);

  const again = makeModel();
  const answered = await withPairCache(again, setup.store).classify(pairs, signal);
  expect(answered).toEqual(pairs.map(expected));
  expect(again.asked).toEqual([]);

  const other = makeModel('b');
  await withPairCache(other, setup.store).classify(pairs, signal);
  expect(other.asked).toEqual([pairs]);
});

test('a stored value that is none is asked again', async () => {
  await using setup = await openStore();
  const [pair = ['', ''] as const] = pairsWith('one');
  await withPairCache(makeModel(), setup.store).classify([pair], signal);
  for await (const [key] of setup.store.scan('nli', ''))
    await setup.store.write('nli', [{ table: 'nli', key, value: [2, 'x'] }]);
  const model = makeModel();
  expect(await withPairCache(model, setup.store).classify([pair], signal)).toEqual([
    expected(pair),
  ]);
  expect(model.asked).toHaveLength(1);
});

test('a model that is away leaves nothing behind', async () => {
  const model = makeModel();
  const away = { ...model, classify: () => Promise.reject(new TransientError('away')) };
  await using setup = await openStore();
  const pairs = pairsWith('one');
  await expect(withPairCache(away, setup.store).classify(pairs, signal)).rejects.toThrow('away');
  expect(await withPairCache(model, setup.store).classify(pairs, signal)).toEqual(
    pairs.map(expected),
  );
  expect(model.asked).toEqual([pairs]);
});

test('a model that leaves out a pair is an error, never a number', async () => {
  const short = { ...makeModel(), classify: () => Promise.resolve([]) };
  await expect(withPairCache(short).classify(pairsWith('one'), signal)).rejects.toThrow(
    'left out pair 0',
  );
});
