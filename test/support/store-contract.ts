import { describe, expect, test } from 'vitest';
import { PermanentError } from '../../shared/contract/failure.ts';
import type { Store } from '../../shared/store/store.ts';

/** One folder that can be opened, and opened again. */
export interface StoreUnderTest extends AsyncDisposable {
  open(): Promise<Store>;
}

/** What every Store promises (S1) and how it is opened; run against Level and against the simulated disk. */
export function testStore(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    testWrites(make);
    testOpening(make);
  });
}

async function entries(store: Store, table: string, prefix: string): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const entry of store.scan(table, prefix)) found.push(entry);
  return found;
}

function testWrites(make: () => Promise<StoreUnderTest>): void {
  test('what was written is read back as JSON, and a missing key is undefined', async () => {
    await using folder = await make();
    const store = await folder.open();
    const value = { text: 'é', list: [1, null], inner: { yes: true } };
    await store.write('plan', [{ table: 'plan', key: 'r/1', value }]);
    expect(await store.read('plan', 'r/1')).toEqual(value);
    expect(await store.read('plan', 'r/2')).toBeUndefined();
    expect(await store.read('verdict', 'r/1')).toBeUndefined();
    expect(await store.readMany('plan', ['r/2', 'r/1', 'r/1'])).toEqual([undefined, value, value]);
    await store.close();
  });

  test('a batch writes several tables; undefined deletes', async () => {
    await using folder = await make();
    const store = await folder.open();
    await store.write('plan', [
      { table: 'plan', key: 'a', value: 1 },
      { table: 'verdict', key: 'a', value: 2 },
    ]);
    await store.write('plan', [
      { table: 'plan', key: 'a', value: undefined },
      { table: 'verdict', key: 'a', value: 3 },
    ]);
    expect(await store.read('plan', 'a')).toBeUndefined();
    expect(await store.read('verdict', 'a')).toBe(3);
    await store.close();
  });

  test('a scan yields one table in key order, and only what starts with the prefix', async () => {
    await using folder = await make();
    const store = await folder.open();
    const keys = ['r1/00000010', 'r10/0', 'r1/00000002', 'r1', 'r1/z', 'r0/9', 'r1-b/1'];
    await store.write('journal', [
      ...keys.map((key) => ({ table: 'journal', key, value: key })),
      { table: 'journal-b', key: 'r1/0', value: 'another table' },
    ]);
    const expected = ['r1/00000002', 'r1/00000010', 'r1/z'].map((key) => [key, key]);
    expect(await entries(store, 'journal', 'r1/')).toEqual(expected);
    expect(await entries(store, 'journal', '')).toHaveLength(keys.length);
    expect(await entries(store, 'journal', 'none')).toEqual([]);
    await store.close();
  });

  test('what is changed after a write does not reach the store', async () => {
    await using folder = await make();
    const store = await folder.open();
    const value = { list: [1] };
    const written = store.write('plan', [{ table: 'plan', key: 'a', value }]);
    value.list.push(2);
    await written;
    expect(await store.read('plan', 'a')).toEqual({ list: [1] });
    await store.close();
  });
}

function testOpening(make: () => Promise<StoreUnderTest>): void {
  test('a store that is opened again has all that was written', async () => {
    await using folder = await make();
    const first = await folder.open();
    await first.write('plan', [{ table: 'plan', key: 'a', value: 1 }]);
    await first.close();
    const second = await folder.open();
    expect(await second.read('plan', 'a')).toBe(1);
    await second.close();
  });

  test('a store that is open cannot be opened a second time', async () => {
    await using folder = await make();
    const store = await folder.open();
    const second = folder.open();
    await expect(second).rejects.toThrow(PermanentError);
    await expect(second).rejects.toThrow(/open in another process/);
    await store.close();
  });
}
