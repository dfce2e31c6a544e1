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

/** What a pause and its end write. */
const ofControl = /^(store\.attempt|coordinator\.control)/;
/** A sampler that sees the checkpoints' folder fetches nothing. */
const ofFetching = /^sampler\.checkpoint/;
/** Killed in batches.test.ts. */
const ofBatches = /^batch/;
/** Killed in trainer.test.ts. */
const ofCancelling = /^job\.cancel/;

const elsewhere = [ofControl, ofFetching, ofBatches, ofCancelling];

function killsAt(pattern: RegExp): string[] {
  return allFailpoints()
    .filter((name) => pattern.test(name))
    .sort();
}

function textOf(kills: readonly string[]): string {
  return kills.map((name) => `${name}=kill`).join(';');
}

const RUNS = 4;

/**
 * All other failpoints, dealt out to the runs like cards: so each run kills every role, and none of them so often in a row that its pauses
 * are all that there is to wait for. A world that was renamed into place is not written again, so each kill at its last step comes into a run of its own.
 */
const hands = Array.from({ length: RUNS }, (_, run) => ({
  run: run + 1,
  names: allFailpoints()
    .filter((name) => !elsewhere.some((pattern) => pattern.test(name)))
    .filter((_name, at) => at % RUNS === run)
    .sort(),
}));

test('every change of disk, bus and journal stands between two failpoints', () => {
  expect(unguardedSites()).toEqual([]);
});

// Side by side, for much of the time goes by in pauses before a process is started again.
test.concurrent.each(hands)(
  'killed at each failpoint of run $run, it ends with the same bytes',
  async ({ names }) => {
    await using cluster = await drillCluster({ failpoints: textOf(names), env: drillEnv });
    const ended = new AbortController();
    await beginTrained(cluster);
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

/** Lets the trainer die along: a training program that dies three times there has failed, by design; a trainer that dies as well forgets it. */
async function forget(cluster: DrillCluster, signal: AbortSignal): Promise<void> {
  for (let forgotten = 0; !signal.aborted;) {
    const deaths = fired(cluster.state).filter((name) => name.startsWith('tinylm.')).length;
    if (deaths >= forgotten + 2) {
      await cluster.kill('trainer-1');
      forgotten = deaths;
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
