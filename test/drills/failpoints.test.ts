/** Every failpoint of the code base kills once, several in a run; each proves by its mark that it did. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { beginTrained } from '../support/drill/begin-trained.ts';
import { type DrillCluster, drillCluster } from '../support/drill/cluster.ts';
import { resetLoop } from '../support/drill/command.ts';
import {
  drillEnv,
  expectSound,
  finish,
  fired,
  PATIENCE_MS,
  untilEvent,
  untilFired,
} from '../support/drill/drill.ts';
import { evidenceFolder } from '../support/drill/evidence.ts';
import { allFailpoints, unguardedSites } from '../support/drill/failpoint-sites.ts';

const roles = {
  'the supervisor, the coordinator and the workers':
    /^(supervisor(?!\.world\.fsync-f)|coordinator\.append|sampler\.(answer|ack)|judge|store\.verdicts)/,
  // A world that was renamed into place is not written again, so each kill at its last step needs a run of its own.
  'the curator':
    /^(curator|dataset|store\.(?!verdicts|attempt)|supervisor\.world\.fsync-folder\.before)/,
  'the trainer': /^(trainer|supervisor\.world\.fsync-folder\.after)/,
  'the training program': /^tinylm/,
};

/** What a pause and its end write. */
const ofControl = /^(store\.attempt|coordinator\.control)/;
/** A sampler that sees the checkpoints' folder fetches nothing. */
const ofFetching = /^sampler\.checkpoint/;
/** Killed in batches.test.ts. */
const ofBatches = /^batch/;
/** Killed in trainer.test.ts. */
const ofCancelling = /^job\.cancel/;

function killsAt(pattern: RegExp): string[] {
  return allFailpoints()
    .filter((name) => pattern.test(name))
    .sort();
}

function textOf(kills: readonly string[]): string {
  return kills.map((name) => `${name}=kill`).join(';');
}

test('every change of disk, bus and journal stands between two failpoints', () => {
  expect(unguardedSites()).toEqual([]);
});

test('every failpoint belongs to a drill', () => {
  const drilled = [...Object.values(roles), ofControl, ofFetching, ofBatches, ofCancelling];
  for (const name of allFailpoints())
    expect(
      drilled.filter((pattern) => pattern.test(name)),
      name,
    ).toHaveLength(1);
});

// Side by side, for most of the time goes by in pauses before a process is started again.
test.concurrent.each(Object.entries(roles))(
  'killed at each failpoint of %s, a run ends with the same bytes',
  async (_, pattern) => {
    const names = killsAt(pattern);
    await using cluster = await drillCluster({ failpoints: textOf(names), env: drillEnv });
    const ended = new AbortController();
    // A kill at each of their steps needs all the trainings that there are.
    if (!names.some((name) => /^(trainer|tinylm)/.test(name))) await beginTrained(cluster);
    cluster.start();
    const forgetting = forget(cluster, ended.signal);
    await finish(cluster, 3 * PATIENCE_MS).finally(() => {
      ended.abort();
    });
    await forgetting;
    expect(fired(cluster.state).sort()).toEqual(names);
    await expectSound(cluster);
  },
);

/**
 * Lets others die along, so that a run with that many deaths at one place is not held up. A training program that dies three times
 * there has failed, by design; a trainer that dies as well forgets it. A coordinator waits longer after each failure in a row.
 */
async function forget(cluster: DrillCluster, signal: AbortSignal): Promise<void> {
  const along = [
    { dying: 'tinylm.', peer: 'trainer-1', every: 2, seen: 0 },
    { dying: 'trainer.', peer: 'coordinator-1', every: 3, seen: 0 },
  ];
  while (!signal.aborted) {
    const names = fired(cluster.state);
    for (const one of along) {
      const deaths = names.filter((name) => name.startsWith(one.dying)).length;
      if (deaths < one.seen + one.every) continue;
      await cluster.kill(one.peer);
      one.seen = deaths;
    }
    await delay(50, undefined, { signal }).catch(() => undefined);
  }
}

test('killed while it is paused and goes on again, a run ends with the same bytes', async () => {
  const names = killsAt(ofControl);
  // The sampler stands still over the round's first answer, so that curating is under way at the pause and after it.
  await using cluster = await drillCluster({
    failpoints: `${textOf(names)};sampler.answer.before@11=stop`,
    env: drillEnv,
  });
  await beginTrained(cluster);
  cluster.start();
  await untilEvent(cluster, ({ event }) => event === 'round.opened');
  await untilFired(cluster, 'sampler.answer.before');
  // Asked again, for the coordinator dies of being asked.
  await expect
    .poll(() => pauseAgain(cluster), { interval: 200, timeout: PATIENCE_MS })
    .toContain('paused');
  // Told to end, it would first answer what it has in hand, which may be the whole round.
  await expect.poll(() => existsSync(join(cluster.state, 'cluster.json'))).toBe(false);
  await cluster.kill('sampler-1');
  expect(await cluster.ended()).toBe(3);

  cluster.start(`${textOf(names)};sampler.ack.before=stop`);
  await untilFired(cluster, ...names, 'sampler.ack.before');
  await cluster.resume('sampler-1', 0);
  await finish(cluster);
  await expectSound(cluster);
});

/** Asks for a pause. Returns the names of the run's events so far. */
async function pauseAgain(cluster: DrillCluster): Promise<string[]> {
  await resetLoop(['pause', '--state', cluster.state]);
  return cluster.events().map(({ event }) => event);
}

test('killed while it fetches a checkpoint, a sampler fetches it again', async () => {
  const names = killsAt(ofFetching);
  await using cluster = await drillCluster({
    failpoints: 'sampler.answer.before=stop',
    env: drillEnv,
  });
  await beginTrained(cluster);
  cluster.start();
  await untilFired(cluster, 'sampler.answer.before');
  const leave = new AbortController();
  const away = keepSampling(cluster.state, textOf(names), leave.signal);
  await finish(cluster).finally(() => {
    leave.abort();
  });
  await away;
  expect(fired(cluster.state)).toEqual(expect.arrayContaining(names));
  await expectSound(cluster);
});

/** A sampler with a checkpoints folder of its own, started again whenever it dies. */
async function keepSampling(state: string, failpoints: string, signal: AbortSignal): Promise<void> {
  const { marks, attempts } = evidenceFolder(state);
  const args = [
    '--role',
    'sampler',
    '--name',
    'sampler-2',
    '--checkpoints',
    join(state, 'elsewhere'),
  ];
  while (!signal.aborted) {
    await resetLoop(
      ['peer', ...args, '--profiles', join(state, 'profiles.json'), '--state', state],
      {
        ...drillEnv,
        RESET_FAILPOINTS: failpoints,
        RESET_FAILPOINT_MARKS: marks,
        RESET_ATTEMPTS: attempts,
      },
      signal,
    );
  }
}
