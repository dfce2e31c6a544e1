import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { Curator } from '../../coordinator/curator.ts';
import type { Peers } from '../../coordinator/peers.ts';
import { Runs } from '../../coordinator/runs.ts';
import { TransientError } from '../../shared/contract/failure.ts';
import type { Fact } from '../../shared/contract/facts.ts';
import { randomFrom } from '../../shared/contract/random.ts';
import { wholeJournal } from '../support/journal.ts';
import { SimulatedBroker } from '../support/simulated-broker.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';
import { SimulatedDirectory } from '../support/simulated-directory.ts';

test('a run of the same name in another ledger is driven from its own journal, though the one before it is finished', async () => {
  await using clock = new SimulatedClock();
  const faults = { maxLatencyMs: 0, lossRate: 0 };
  const random = randomFrom(1, 'runs');
  const broker = new SimulatedBroker({ clock, random, ackWaitMs: 1000, faults });
  const directory = new SimulatedDirectory(broker, broker.line());
  let journal: readonly Fact[] = wholeJournal;
  const curator = {
    facts: () => Promise.resolve([...journal]),
    // Closes at once, as one that is restarted.
    journal: async function* () {},
  } satisfies Partial<Curator>;
  const peers: Peers = {
    curator: () => Promise.resolve(curator as unknown as Curator),
    anyCurator: () => Promise.reject(new Error('nothing is opened here')),
    trainer: () => Promise.reject(new TransientError('no trainer is here')),
  };
  const runs = new Runs({ directory, peers, clock, log: pino({ level: 'silent' }) });
  const ends = new AbortController();
  const bind = async (ledger: string): Promise<void> => {
    broker.declared = true;
    await directory.bind({ run: 'tested', ledger, curator: 'curator-1', grpc: '127.0.0.1:1' });
  };
  await bind('a'.repeat(64));
  const driving = runs.drive(ends.signal);
  await expect.poll(() => runs.names()).toEqual(['tested']);
  expect(runs.trouble('tested')).toBeUndefined();

  broker.wipe();
  journal = wholeJournal.slice(0, 2);
  await bind('b'.repeat(64));
  await expect.poll(() => runs.trouble('tested')).toBe('no trainer is here');
  runs.drain();
  ends.abort();
  await driving;
});
