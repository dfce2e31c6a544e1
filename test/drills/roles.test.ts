/** kill -9 of each process over work in hand; each time the run goes on, and all is as if nothing had happened. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { randomFrom } from '../../shared/contract/random.ts';
import { type DrillCluster, drillCluster } from '../support/drill/cluster.ts';
import {
  ackWaitMs,
  drillEnv,
  expectSound,
  finish,
  fired,
  inHand,
  untilEvent,
} from '../support/drill/drill.ts';
import { readMarks } from '../support/drill/evidence.ts';

/** Units and trainings in hand that match; waits until there are some. */
async function untilInHand(cluster: DrillCluster, pattern = /./): Promise<string[]> {
  let found: string[] = [];
  const look = (): number => {
    found = inHand(cluster.state).filter((one) => pattern.test(one));
    return found.length;
  };
  await expect.poll(look, { interval: 2, timeout: 60_000 }).toBeGreaterThan(0);
  return found;
}

/** kill -9, as soon as the target runs; what nothing restarts is started again. */
async function strike(cluster: DrillCluster, target: string): Promise<void> {
  if (target === 'all') await cluster.killAll();
  else await expect.poll(() => cluster.kill(target), { interval: 20, timeout: 20_000 }).toBe(true);
  if (target !== 'all' && target !== 'supervisor') return;
  await cluster.ended();
  cluster.start();
}

test('each role dies once over work in hand', async () => {
  // Judges and curator have a unit in hand for milliseconds: there the failpoint is the proof.
  const failpoints = [
    'judge.answer.before@7',
    'store.results.before@12',
    'coordinator.append.before@5',
  ];
  await using cluster = await drillCluster({
    failpoints: failpoints.map((name) => `${name}=kill`).join(';'),
    env: drillEnv,
  });
  cluster.start();
  await untilInHand(cluster, /^training program/);
  await strike(cluster, 'trainer-1');
  for (const target of ['sampler-1', 'model-server']) {
    await untilInHand(cluster, /^sample/);
    await strike(cluster, target);
  }
  await finish(cluster);
  expect(fired(cluster.state).map((name) => name.split('.')[0])).toEqual(
    expect.arrayContaining(['judge', 'store', 'coordinator']),
  );
  await expectSound(cluster);
});

test('nats-server, the supervisor, and everything at once die in a round', async () => {
  await using cluster = await drillCluster({ env: drillEnv });
  cluster.start();
  await untilEvent(cluster, ({ event }) => event === 'round.opened');
  for (const target of ['nats-server', 'supervisor', 'all']) {
    await untilInHand(cluster);
    await strike(cluster, target);
  }
  await finish(cluster);
  await expectSound(cluster);
});

test('a broker whose store is emptied in a round is filled again from the ledger', async () => {
  await using cluster = await drillCluster({ env: drillEnv });
  cluster.start();
  await untilEvent(cluster, ({ event }) => event === 'round.opened');
  await untilInHand(cluster, /^sample\/r1-train/);
  await cluster.wipeBroker();
  await finish(cluster);
  await expectSound(cluster);
});

test('a judge that stands still for twice its ack wait answers too late, and nothing changes', async () => {
  await using cluster = await drillCluster({
    failpoints: 'judge.answer.before@8=stop',
    env: drillEnv,
  });
  cluster.start();
  await expect.poll(() => fired(cluster.state), { timeout: 60_000 }).toHaveLength(1);
  const [mark] = readMarks(cluster.state);
  await cluster.resume(mark?.peer ?? '', 2 * ackWaitMs);
  await finish(cluster);
  await expectSound(cluster);
});

const targets = [
  'coordinator-1',
  'sampler-1',
  'judge-1',
  'judge-2',
  'curator-1',
  'trainer-1',
  'model-server',
  'nats-server',
  'supervisor',
  'all',
];

test.concurrent.each([
  { seed: 1, from: 'run.opened' },
  { seed: 2, from: 'checkpoint.published' },
  { seed: 3, from: 'evaluation.finished' },
  { seed: 4, from: 'round.opened' },
])('five kills at random moments after $from, seed $seed', async ({ seed, from }) => {
  const random = randomFrom('drills', seed);
  await using cluster = await drillCluster({ env: drillEnv });
  cluster.start();
  await untilEvent(cluster, ({ event }) => event === from);
  for (let kill = 0; kill < 5; kill += 1) {
    await delay(random.integer(2000));
    const found = await untilInHand(cluster);
    const target = targets[random.integer(targets.length)] ?? '';
    process.stdout.write(
      `seed ${seed}: kill -9 of ${target} over ${found.slice(0, 3).join(', ')}\n`,
    );
    await strike(cluster, target);
  }
  await finish(cluster);
  await expectSound(cluster);
});
