/** kill -9 of each process over work in hand; each time the run goes on, and all is as if nothing had happened. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { randomFrom } from '../../shared/contract/random.ts';
import { beginTrained } from '../support/drill/begin-trained.ts';
import { type DrillCluster, drillCluster } from '../support/drill/cluster.ts';
import {
  ackWaitMs,
  drillEnv,
  expectSound,
  finish,
  fired,
  PATIENCE_MS,
  untilEvent,
  untilFired,
} from '../support/drill/drill.ts';
import { readMarks } from '../support/drill/evidence.ts';
import { inHand } from '../support/drill/in-hand.ts';

/** kill -9 of a process while work that matches is in hand; waits until both are so, and returns the work. */
async function strikeOver(cluster: DrillCluster, target: string, pattern = /./): Promise<string[]> {
  let found: string[] = [];
  await vi.waitUntil(
    async () => {
      found = inHand(cluster).filter((one) => pattern.test(one));
      if (found.length === 0) return false;
      if (target !== 'all') return cluster.kill(target);
      await cluster.killAll();
      return true;
    },
    { interval: 2, timeout: PATIENCE_MS },
  );
  // Nothing restarts these two.
  if (target === 'all' || target === 'supervisor') {
    await cluster.ended();
    cluster.start();
  }
  return found;
}

test('each process dies once over work in hand, and then everything at once', async () => {
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
  await beginTrained(cluster);
  cluster.start();
  await strikeOver(cluster, 'trainer-1', /^training/);
  for (const target of ['sampler-1', 'model-server']) await strikeOver(cluster, target, /^sample/);
  await untilEvent(cluster, ({ event }) => event === 'round.opened');
  for (const target of ['nats-server', 'supervisor', 'all']) await strikeOver(cluster, target);
  await finish(cluster);
  expect(fired(cluster.state).map((name) => name.split('.')[0])).toEqual(
    expect.arrayContaining(['judge', 'store', 'coordinator']),
  );
  await expectSound(cluster);
});

test('a broker whose store is emptied in a round is filled again from the ledger', async () => {
  await using cluster = await drillCluster({ env: drillEnv });
  await beginTrained(cluster);
  cluster.start();
  await untilEvent(cluster, ({ event }) => event === 'round.opened');
  const sampling = (): boolean => inHand(cluster).some((one) => one.startsWith('sample/r1-train'));
  await vi.waitUntil(sampling, { interval: 2, timeout: PATIENCE_MS });
  await cluster.wipeBroker();
  await finish(cluster);
  await expectSound(cluster);
});

test('a judge that stands still for twice its ack wait answers too late, and nothing changes', async () => {
  await using cluster = await drillCluster({
    failpoints: 'judge.answer.before@8=stop',
    env: drillEnv,
  });
  await beginTrained(cluster);
  cluster.start();
  await untilFired(cluster, 'judge.answer.before');
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

/**
 * What a kill may fall on, in the order of a run, each with the longest wait after it has begun. A moment of one round that has passed is
 * taken in a later one, which the run is sure to have.
 */
const moments = [
  { kind: 'start training', pattern: /^training start-/, waitMs: 2000 },
  { kind: 'start training', pattern: /^training start-1/, waitMs: 500 },
  { kind: 'evaluation', pattern: /\/r\d-(dev|test)/, waitMs: 500 },
  ...[1, 2].flatMap((round) => {
    const step = `r[${round}-3]`;
    return [
      { kind: 'sampling', pattern: new RegExp(`^sample/${step}-train`), waitMs: 300 },
      { kind: 'judging', pattern: new RegExp(`^(?!sample).*/${step}-train`), waitMs: 300 },
      { kind: 'sealing', pattern: new RegExp(`^sealing ${step}`), waitMs: 0 },
      { kind: 'training', pattern: new RegExp(`^training ${step}`), waitMs: 300 },
      { kind: 'evaluation', pattern: new RegExp(`/${step}-(dev|test)`), waitMs: 500 },
      { kind: 'deciding', pattern: new RegExp(`^deciding ${step}`), waitMs: 0 },
    ];
  }),
];

/** Five kills at different moments, in the order of a run. */
function drawKills(seed: number) {
  const random = randomFrom('in hand', seed);
  const left = [...moments.keys()];
  const drawn = Array.from({ length: 5 }, () => left.splice(random.integer(left.length), 1));
  return drawn
    .flat()
    .sort((one, other) => one - other)
    .flatMap((at) => moments[at] ?? [])
    .map(({ waitMs, ...moment }) => ({
      ...moment,
      waitMs: random.integer(waitMs + 1),
      target: targets[random.integer(targets.length)] ?? '',
    }));
}

const seeds = [1, 2, 3, 4].map((seed) => ({ seed, kills: drawKills(seed) }));

test('the random kills hit each process and fall on each kind of work, most of them after the start', () => {
  const all = seeds.flatMap(({ kills }) => kills);
  expect(new Set(all.map(({ target }) => target))).toEqual(new Set(targets));
  expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(moments.map(({ kind }) => kind)));
  expect(all.filter(({ kind }) => kind !== 'start training').length).toBeGreaterThanOrEqual(15);
});

test.concurrent.each(seeds)('five kills at random moments, seed $seed', async ({ seed, kills }) => {
  await using cluster = await drillCluster({ env: drillEnv });
  // A kill in the base model's training needs one.
  if (!kills.some(({ kind }) => kind === 'start training')) await beginTrained(cluster);
  cluster.start();
  for (const { kind, pattern, waitMs, target } of kills) {
    const begun = (): boolean => inHand(cluster).some((one) => pattern.test(one));
    await vi.waitUntil(begun, { interval: 2, timeout: PATIENCE_MS });
    if (waitMs > 0) await delay(waitMs);
    const found = await strikeOver(cluster, target, pattern);
    process.stdout.write(
      `seed ${seed}: kill -9 of ${target} in ${kind}, over ${found.slice(0, 3).join(', ')}\n`,
    );
  }
  await finish(cluster);
  await expectSound(cluster);
});
