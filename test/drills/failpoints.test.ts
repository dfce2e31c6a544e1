/** Every failpoint of the code base kills once, several in a run; each proves by its mark that it did. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type DrillCluster, drillCluster } from '../support/drill/cluster.ts';
import { drillEnv, expectSound, finish, fired } from '../support/drill/drill.ts';
import { allFailpoints, unguardedSites } from '../support/drill/failpoint-sites.ts';

const roles = {
  'the supervisor, the coordinator and the workers':
    /^(supervisor(?!\.world\.fsync-f)|coordinator\.append|sampler\.(answer|ack)|judge|store\.verdicts)/,
  // A world that was renamed into place is not written again, so each kill at its last step needs a run of its own.
  'the curator':
    /^(curator|dataset|store\.(?!verdicts|attempt)|supervisor\.world\.fsync-folder\.before)/,
  'the trainer and its training program':
    /^(trainer|tinylm|supervisor\.world\.fsync-folder\.after)/,
};

test('every change of disk, bus and journal stands between two failpoints', () => {
  expect(unguardedSites()).toEqual([]);
});

test('every failpoint belongs to a drill', () => {
  const elsewhere = /^(sampler\.checkpoint|store\.attempt|coordinator\.control)/;
  const drilled = [...Object.values(roles), elsewhere];
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
    const names = allFailpoints().filter((name) => pattern.test(name));
    const failpoints = names.map((name) => `${name}=kill`).join(';');
    await using cluster = await drillCluster({ failpoints, env: drillEnv });
    const ended = new AbortController();
    cluster.start();
    const watching = sparePrograms(cluster, ended.signal);
    await finish(cluster, 400_000).finally(() => {
      ended.abort();
    });
    await watching;
    expect(fired(cluster.state).sort()).toEqual(names.sort());
    await expectSound(cluster);
  },
);

/** A program that dies three times at the same place has failed, by design; a trainer that dies as well forgets that it did. */
async function sparePrograms(cluster: DrillCluster, signal: AbortSignal): Promise<void> {
  let seen = 0;
  while (!signal.aborted) {
    const deaths = fired(cluster.state).filter((name) => name.startsWith('tinylm.')).length;
    if (deaths >= seen + 2) {
      await cluster.kill('trainer-1');
      seen = deaths;
    }
    await delay(50, undefined, { signal }).catch(() => undefined);
  }
}
