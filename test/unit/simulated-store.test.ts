import { expect, test } from 'vitest';
import { randomFrom } from '../../shared/contract/random.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';
import { SimulatedDisk } from '../support/simulated-store.ts';
import { testStore } from '../support/store-contract.ts';

testStore('the simulated disk', () => {
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk(clock, randomFrom(1, 'disk'));
  return Promise.resolve({
    open: () => disk.open(),
    [Symbol.asyncDispose]: () => clock[Symbol.asyncDispose](),
  });
});

test('a kill loses a write under way whole, or keeps it whole, and the killed process never hears', async () => {
  await using clock = new SimulatedClock();
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 40; seed += 1) {
    const disk = new SimulatedDisk(clock, randomFrom(seed, 'disk'));
    const store = await disk.open();
    let heard = false;
    const writes = ['a', 'b'].map((key) => ({ table: 'plan', key, value: seed }));
    const hear = async (): Promise<void> => {
      await store.write('plan', writes);
      heard = true;
    };
    void hear();
    await clock.sleep(randomFrom(seed, 'kill').next() * 4);
    store.kill();
    const heardBefore = heard;
    await clock.sleep(10);
    const again = await disk.open();
    const kept = [await again.read('plan', 'a'), await again.read('plan', 'b')];
    expect(kept[0]).toBe(kept[1]);
    expect(heard).toBe(heardBefore);
    if (heard) expect(kept[0]).toBe(seed);
    outcomes.add(`${kept[0] === undefined ? 'lost' : 'kept'}, ${heard ? 'heard' : 'not heard'}`);
  }
  expect([...outcomes].sort()).toEqual(['kept, heard', 'kept, not heard', 'lost, not heard']);
});

test('after a failed write the simulated store refuses more until it is opened again', async () => {
  await using clock = new SimulatedClock();
  const disk = new SimulatedDisk(clock, randomFrom(1, 'disk'));
  const store = await disk.open();
  disk.fault = new Error('ENOSPC');
  const writes = [{ table: 'plan', key: 'a', value: 1 }];
  await expect(store.write('plan', writes)).rejects.toThrow(/cannot write.*ENOSPC/);
  await expect(store.write('plan', writes)).rejects.toThrow(/refuses.*ENOSPC/);
  await store.close();
  const again = await disk.open();
  expect(await again.read('plan', 'a')).toBeUndefined();
  await again.write('plan', writes);
  expect(await again.read('plan', 'a')).toBe(1);
});
