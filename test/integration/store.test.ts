import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openStore } from '../../shared/store/level.ts';
import { startProgram } from '../support/child.ts';
import { testStore } from '../support/store-contract.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

testStore('Level', async () => {
  const folder = await temporaryFolder();
  return {
    open: () => openStore(join(folder.path, 'ledger')),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
});

test('kill -9 loses no batch that was confirmed, and leaves no half of one', async () => {
  await using folder = await temporaryFolder();
  for (const enough of [5, 40, 150]) {
    await using writer = startProgram('write-store', [folder.path]);
    await expect.poll(() => writer.lines.length, { interval: 1 }).toBeGreaterThan(enough);
    writer.kill('SIGKILL');
    await writer.ended;
    const confirmed = Number(writer.lines.at(-1));
    const store = await openStore(folder.path);
    const numbers = await Promise.all(
      ['sample', 'verdict'].map(async (table) => {
        const values: unknown[] = [];
        for await (const [, value] of store.scan(table, '')) values.push(value);
        return values;
      }),
    );
    await store.close();
    expect(numbers[0]).toEqual(numbers[1]);
    const batches = (numbers[0] ?? []).filter((_, at) => at % 3 === 0);
    expect(numbers[0]).toEqual(batches.flatMap((number) => [number, number, number]));
    expect(batches.length).toBeGreaterThan(confirmed);
  }
});

test('after a full disk the store refuses more, says why, and has all that it confirmed', async () => {
  await using folder = await temporaryFolder();
  await using writer = startProgram('write-store', [folder.path], {
    RESET_FAILPOINTS: 'store.results.before@3=enospc',
    RESET_FAILPOINT_MARKS: join(folder.path, 'marks'),
  });
  await writer.ended;
  expect(writer.lines).toEqual([
    '0',
    '1',
    expect.stringMatching(/cannot write .* disk is full \(ENOSPC\)\. Free space/),
    expect.stringMatching(/refuses writes since one failed: ENOSPC/),
    expect.stringMatching(/refuses writes since one failed: ENOSPC/),
  ]);
  const store = await openStore(folder.path);
  expect(await store.read('sample', '00000001/c')).toBe(1);
  expect(await store.read('sample', '00000002/a')).toBeUndefined();
  await store.close();
});

test.each([
  ['has lost its head', (folder: string) => rm(join(folder, 'CURRENT'))],
  ['has a torn manifest', (folder: string) => writeFile(join(folder, 'CURRENT'), 'MANIFEST-9\n')],
])('a store that %s is not taken for an empty one', async (_, damage) => {
  await using folder = await temporaryFolder();
  const store = await openStore(folder.path);
  await store.write('plan', [{ table: 'plan', key: 'a', value: 1 }]);
  await store.close();
  await damage(folder.path);
  await expect(openStore(folder.path)).rejects.toThrow(/from a backup/);
});
