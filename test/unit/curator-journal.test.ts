import { expect, test } from 'vitest';
import { ledgerId } from '../../agents/curator/ledger/identity.ts';
import { entryKey, openJournal } from '../../agents/curator/ledger/journal.ts';
import type { Fact } from '../../shared/contract/facts.ts';
import { digestOf } from '../../shared/contract/ids.ts';
import { randomFrom } from '../../shared/contract/random.ts';
import { makeRunFile } from '../support/run.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';
import { SimulatedDisk } from '../support/simulated-store.ts';

const file = makeRunFile();
const opened: Fact = { fact: 'run.opened', run: 'test', file, digest: digestOf(file) };
const paused: Fact = { fact: 'run.paused', reason: 'asked to' };
const resumed: Fact = { fact: 'run.resumed' };

async function makeDisk() {
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk(clock, randomFrom(1));
  const store = await disk.open();
  return { disk, store, [Symbol.asyncDispose]: () => clock[Symbol.asyncDispose]() };
}

test('a journal that is opened again has the same facts, and their times beside them', async () => {
  await using made = await makeDisk();
  const journal = await openJournal(made.store, 'test', () => 1234);
  expect(await journal.append(0, opened)).toBe(1);
  expect(await journal.append(1, paused)).toBe(2);
  const again = await openJournal(made.store, 'test');
  expect(again.entries()).toEqual([
    { position: 0, fact: opened, at: 1234 },
    { position: 1, fact: paused, at: 1234 },
  ]);
  expect(made.disk.table('journal').get(entryKey('test', 1))).toBe(JSON.stringify(paused));
});

test('of writers that expect the same length one appends', async () => {
  await using made = await makeDisk();
  const journal = await openJournal(made.store, 'test');
  await journal.append(0, opened);
  const appends = await Promise.allSettled([journal.append(1, paused), journal.append(1, resumed)]);
  expect(appends).toMatchObject([
    { status: 'fulfilled', value: 2 },
    { status: 'rejected', reason: { name: 'ConflictError' } },
  ]);
});

test('a journal begins with run.opened, once', async () => {
  await using made = await makeDisk();
  const journal = await openJournal(made.store, 'test');
  await expect(journal.append(0, paused)).rejects.toThrow(/begins with run.opened/);
  await journal.append(0, opened);
  await expect(journal.append(1, opened)).rejects.toThrow(/has it once/);
});

test('a fact that could not be written is not read, and the position stays free', async () => {
  await using made = await makeDisk();
  const journal = await openJournal(made.store, 'test');
  await journal.append(0, opened);
  made.disk.fault = new Error('no space left');
  await expect(journal.append(1, paused)).rejects.toThrow(/no space left/);
  expect(journal.entries()).toHaveLength(1);
});

test('a damaged journal is refused with its place and what to do', async () => {
  await using made = await makeDisk();
  const journal = await openJournal(made.store, 'test');
  await journal.append(0, opened);
  await journal.append(1, paused);
  await journal.append(2, resumed);
  const table = made.disk.table('journal');
  table.set(entryKey('test', 2), '{"fact":"run.won"}');
  await expect(openJournal(made.store, 'test')).rejects.toThrow(
    /damaged at table journal, key test\/00000002: .*restore its folder from a copy/s,
  );
  table.set(entryKey('test', 2), JSON.stringify(resumed));
  table.delete(entryKey('test', 1));
  await expect(openJournal(made.store, 'test')).rejects.toThrow(
    /position 1 is missing before test\/00000002/,
  );
});

test('followers get what is there and what comes', async () => {
  await using made = await makeDisk();
  const journal = await openJournal(made.store, 'test');
  await journal.append(0, opened);
  const stop = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    for await (const { fact } of journal.follow(0, stop.signal)) {
      seen.push(fact.fact);
      if (seen.length === 3) stop.abort();
    }
  })();
  await journal.append(1, paused);
  await journal.append(2, resumed);
  await following;
  expect(seen).toEqual(['run.opened', 'run.paused', 'run.resumed']);
});

test('a ledger has one name in its life', async () => {
  await using made = await makeDisk();
  const id = await ledgerId(made.store);
  expect(id).toMatch(/^[0-9a-f]{64}$/);
  expect(await ledgerId(made.store)).toBe(id);
});
