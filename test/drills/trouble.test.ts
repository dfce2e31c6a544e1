/** What a user meets when the machine around a run is not as it should be: a message that says what to do, and nothing lost. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { tables } from '../../agents/curator/ledger/tables.ts';
import { messageOf } from '../../shared/contract/failure.ts';
import { openStore } from '../../shared/store/level.ts';
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
import { startGreeter } from '../support/greeter.ts';
import { startNats } from '../support/nats.ts';
import { makeRunFile } from '../support/run.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { places } from './check/evidence.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE_MS });

/** Starts the drill in a folder of its own or a given one, to its end; returns what it said. */
async function startWith(env: NodeJS.ProcessEnv): Promise<string> {
  await using folder = await temporaryFolder();
  const args = ['start', '--preset', 'drill', '--state', join(folder.path, 'state')];
  const { code, stderr } = await resetLoop(args, env);
  expect(code, stderr).toBe(1);
  return stderr;
}

test('a taken port and an old nats-server are refused with what to do', async () => {
  await using other = await startGreeter('INFO {"version":"2.9.10","jetstream":true}\r\n');
  const port = String(other.port);
  expect(await startWith({ RESET_NATS_PORT: port })).toContain(
    `port ${port} (RESET_NATS_PORT) is taken by another process: set RESET_NATS_PORT to a free port`,
  );
  expect(await startWith({ NATS_URL: `nats://127.0.0.1:${port}` })).toMatch(
    /is 2\.9\.10; 2\.10\.\d+ or newer is needed\. Upgrade it, or unset NATS_URL/,
  );
});

test('a judge that nobody carries is told by status within 5 s', async () => {
  await using nats = await startNats();
  await using folder = await temporaryFolder();
  const common = ['--nats', nats.url, '--state', folder.path];
  const leave = new AbortController();
  const profiles = join(folder.path, 'profiles.json');
  const servers = { local: { driver: 'openai', url: 'http://127.0.0.1:9' } };
  const trainers = { tinylm: { command: ['false'] } };
  writeFileSync(profiles, JSON.stringify({ servers, trainers }));
  const peers = ['curator', 'coordinator', 'sampler', 'trainer'].map((role) =>
    resetLoop(['peer', '--role', role, '--profiles', profiles, ...common], {}, leave.signal),
  );
  onTestFinished(async () => {
    leave.abort();
    await Promise.all(peers);
  });
  const rowsOf = (word: string): string => {
    const path = join(folder.path, `${word}.jsonl`);
    const constraints = [{ type: 'required', words: [word] }];
    const row = { instruction: `Say ${word}.`, references: [word], constraints };
    writeFileSync(path, `${JSON.stringify(row)}\n`);
    return path;
  };
  const file = makeRunFile({
    run: 'lonely',
    datasets: [{ name: 'say', kind: 'instruction', train: rowsOf('yes'), dev: rowsOf('no') }],
    judges: [{ name: 'rules', axis: 'instruction', type: 'verifiable' }],
  });
  const path = join(folder.path, 'run.json');
  writeFileSync(path, JSON.stringify(file));
  const opened = await resetLoop(['run', path, '--detach', ...common]);
  expect(opened.code, opened.stderr).toBe(0);
  const told = async (): Promise<string> => (await resetLoop(['status', ...common])).stdout;
  await expect
    .poll(told, { timeout: 5_000 })
    .toContain('waits: no peer carries judge "rules" (verifiable): reset-loop peer --role judge');
});

interface SmallDisk extends TemporaryFolder {
  /** Why it is not small after all. */
  reason: string | undefined;
}

/** A file system of a few megabytes; it takes root. */
async function smallDisk(megabytes: number): Promise<SmallDisk> {
  const folder = await temporaryFolder();
  try {
    const options = ['-t', 'tmpfs', '-o', `size=${megabytes}m`];
    execFileSync('mount', [...options, 'tmpfs', folder.path], { stdio: 'pipe' });
  } catch (error) {
    return { ...folder, reason: `cannot mount a tmpfs: ${messageOf(error)}` };
  }
  return {
    path: folder.path,
    reason: undefined,
    [Symbol.asyncDispose]: async () => {
      execFileSync('umount', ['-l', folder.path]);
      await folder[Symbol.asyncDispose]();
    },
  };
}

test('a disk that fills up in a round ends the start, and with space again the run goes on', async (context) => {
  await using disk = await smallDisk(64);
  if (disk.reason !== undefined) return context.skip(disk.reason);
  const state = join(disk.path, 'state');
  await using elsewhere = await temporaryFolder();
  mkdirSync(state);
  // What the drill sees must not be lost with the space.
  symlinkSync(elsewhere.path, join(state, 'drill'));
  await using cluster = await drillCluster({ state, env: drillEnv });
  cluster.start();
  await untilEvent(cluster, ({ event }) => event === 'round.opened');
  const ballast = join(disk.path, 'ballast');
  cluster.starveBroker();
  try {
    writeFileSync(ballast, Buffer.alloc(64 * 1024 * 1024));
  } catch {
    // As full as it gets.
  }
  expect(await cluster.ended()).toBe(1);
  expect(cluster.stderr.join('\n')).toContain('is on a full disk: free some space and start again');
  rmSync(ballast);
  cluster.start();
  await finish(cluster);
  await expectSound(cluster);
});

/** The present start fails; returns what it said. */
async function failure(cluster: DrillCluster): Promise<string> {
  const said = cluster.stderr.length;
  cluster.start();
  expect(await cluster.ended()).toBe(1);
  return cluster.stderr.slice(said).join('\n');
}

test('a locked ledger and a damaged journal end the start with what to do, and mended they go on', async () => {
  await using cluster = await drillCluster({ env: drillEnv });
  await beginTrained(cluster);
  cluster.start();
  await untilEvent(cluster, ({ event }) => event === 'checkpoint.published');
  cluster.signal('SIGINT');
  expect(await cluster.ended()).toBe(130);

  const { ledger } = places(cluster.state);
  const store = await openStore(ledger);
  expect(await failure(cluster)).toContain('is open in another process: end that one');
  const key = 'drill/00000001';
  const fact = await store.read(tables.journal.name, key);
  await store.write('damage', [{ table: tables.journal.name, key, value: undefined }]);
  await store.close();
  expect(await failure(cluster)).toMatch(
    /the journal of drill is damaged: position 1 is missing .*; restore the ledger's folder from a copy/,
  );
  const again = await openStore(ledger);
  await again.write('mend', [{ table: tables.journal.name, key, value: fact }]);
  await again.close();

  cluster.start();
  await finish(cluster);
  await expectSound(cluster);
});

test('a full disk at any role is told with what to do, and the next start goes on', async () => {
  const names = [
    'supervisor.probe.fsync.before',
    'store.results.before',
    'dataset.rename.before',
    'trainer.checkpoint.fsync.before',
  ];
  await using cluster = await drillCluster({
    failpoints: names.map((name) => `${name}=enospc`).join(';'),
    env: drillEnv,
  });
  await beginTrained(cluster);
  const codes: unknown[] = [];
  do {
    cluster.start();
    codes.push(await cluster.ended());
  } while (codes.at(-1) !== 0 && codes.length < 6);
  expect(codes).toEqual([1, 3, 0]);
  expect(fired(cluster.state).sort()).toEqual(names.sort());
  const said = cluster.stderr.join('\n');
  expect(said).toContain('is on a full disk: free some space and start again; nothing is lost');
  expect(cluster.stdout.join('\n')).toContain('no space left for the checkpoint');
  const log = readFileSync(join(cluster.state, 'logs', 'curator-1.log'), 'utf8');
  expect(log).toContain('the disk is full (ENOSPC). Free space and start the process again');
  await expectSound(cluster);
});

test('a sealed dataset whose manifest is damaged is not trained on, and is sealed again', async () => {
  await using cluster = await drillCluster({
    failpoints: 'trainer.request.fsync.before@2=stop',
    env: drillEnv,
  });
  await beginTrained(cluster);
  cluster.start();
  await untilFired(cluster, 'trainer.request.fsync.before');
  const sealed = cluster.events().findLast(({ event }) => event === 'dataset.sealed');
  const folder = join(places(cluster.state).datasets, String(sealed?.['dataset']));
  writeFileSync(join(folder, 'manifest.json'), '{}');
  await cluster.resume('trainer-1', 0);
  const log = join(cluster.state, 'logs', 'trainer-1.log');
  await expect
    .poll(() => readFileSync(log, 'utf8'), { timeout: PATIENCE_MS })
    .toMatch(/the manifest of dataset \w+ is damaged: remove \S+ and restart the curator/);
  rmSync(folder, { recursive: true });
  await cluster.kill('curator-1');
  await finish(cluster);
  await expectSound(cluster);
});
