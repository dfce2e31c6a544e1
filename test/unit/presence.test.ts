import { expect, test } from 'vitest';
import { randomFrom } from '../../shared/contract/random.ts';
import { keepPresent } from '../../shared/process/presence.ts';
import { SimulatedBroker } from '../support/simulated-broker.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';
import { connectPeer } from '../support/simulated-peer.ts';

const judge = {
  peer: 'judge-1',
  role: 'judge' as const,
  grpc: null,
  http: 'http://127.0.0.1:1',
  offers: ['span-coverage'],
};

function makePeers() {
  const clock = new SimulatedClock();
  const random = randomFrom(3, 'presence');
  const faults = { maxLatencyMs: 3, lossRate: 0.1 };
  const broker = new SimulatedBroker({ clock, random, ackWaitMs: 1500, faults });
  return { clock, broker, faults, ...connectPeer(broker) };
}

test('a peer stays present while requests get lost, and is off at once when it stops', async () => {
  const { clock, broker, faults, directory } = makePeers();
  await using _ = clock;
  broker.declared = true;
  const stop = new AbortController();
  const present = keepPresent(directory, judge, stop.signal, clock);
  await clock.sleep(20_000);
  expect([...broker.presences.values()]).toMatchObject([{ presence: judge }]);
  faults.lossRate = 0;
  stop.abort();
  await present;
  expect(broker.presences.size).toBe(0);
});

test('a peer that came before its bucket is seen once that is declared', async () => {
  const { clock, broker, directory } = makePeers();
  await using _ = clock;
  const stop = new AbortController();
  const present = keepPresent(directory, judge, stop.signal, clock);
  await clock.sleep(5000);
  expect(broker.presences.size).toBe(0);
  broker.declared = true;
  await clock.sleep(3000);
  expect([...broker.presences.values()]).toMatchObject([{ presence: judge }]);
  stop.abort();
  await present;
});
