import { describe, expect, test } from 'vitest';
import type { BusUnderTest } from './bus-under-test.ts';

/** What every Directory promises; run against NATS and against the simulated broker. */
export function testDirectory(name: string, make: () => Promise<BusUnderTest>): void {
  describe.concurrent(name, () => {
    testPresence(make);
    testBindings(make);
  });
}

async function makeDirectory(subject: BusUnderTest) {
  const { bus, directory } = await subject.connect('curator-1');
  await bus.declare();
  return directory;
}

function testPresence(make: () => Promise<BusUnderTest>): void {
  const judge = {
    peer: 'judge-1',
    role: 'judge' as const,
    grpc: null,
    http: 'http://127.0.0.1:1',
    offers: ['span-coverage'],
  };
  test('a peer is there while it renews its presence, and gone 6 s later', async () => {
    await using subject = await make();
    const directory = await makeDirectory(subject);
    await directory.appear(judge);
    await subject.pass(3000);
    await directory.appear(judge);
    await subject.pass(4000);
    expect(await directory.peers()).toEqual([judge]);
    await subject.pass(3000);
    expect(await directory.peers()).toEqual([]);
  });

  test('a peer that leaves is gone at once', async () => {
    await using subject = await make();
    const directory = await makeDirectory(subject);
    await directory.appear(judge);
    await directory.leave('judge-1');
    expect(await directory.peers()).toEqual([]);
  });
}

function testBindings(make: () => Promise<BusUnderTest>): void {
  const binding = {
    run: 'run-a',
    ledger: 'a'.repeat(64),
    curator: 'curator-1',
    grpc: '127.0.0.1:1',
  };

  test('the first ledger keeps a run; the same ledger may move', async () => {
    await using subject = await make();
    const directory = await makeDirectory(subject);
    expect(await directory.binding('run-a')).toBeUndefined();
    expect(await directory.bind(binding)).toEqual(binding);
    const other = { ...binding, ledger: 'b'.repeat(64) };
    expect(await directory.bind(other)).toEqual(binding);
    const moved = { ...binding, grpc: '127.0.0.1:2' };
    expect(await directory.bind(moved)).toEqual(moved);
    expect(await directory.binding('run-a')).toEqual(moved);
  });

  test('a watcher sees the bindings there are, and each change', async () => {
    await using subject = await make();
    const directory = await makeDirectory(subject);
    await directory.bind(binding);
    const moved = { ...binding, grpc: '127.0.0.1:2' };
    const seen: unknown[] = [];
    const stop = new AbortController();
    for await (const next of directory.bindings(stop.signal)) {
      seen.push(next);
      if (seen.length === 1) await directory.bind(moved);
      else stop.abort();
    }
    expect(seen).toEqual([binding, moved]);
  });
}
