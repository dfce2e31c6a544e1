import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { holderOf, takeLock } from '#local/lock.mjs';
import { startCluster } from '../../../deploy/local/local-cluster.ts';
import { readServerInfo } from '../../../deploy/local/probe.ts';
import { removeState, stateFolder } from '../../../deploy/local/state-folder.ts';
import { startGreeter } from '../../support/greeter.ts';
import { startNats } from '../../support/nats.ts';

let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'reset-cluster-'));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

function startIn(folder: string, env: NodeJS.ProcessEnv) {
  return startCluster({
    state: stateFolder(folder),
    env: { ...process.env, ...env },
    say: () => undefined,
    signal: AbortSignal.timeout(20_000),
    prepare: () => Promise.resolve(),
  });
}

test('a configured port that is taken is named, with what to do, and the folder is free again', async () => {
  await using other = await startGreeter('');
  await expect(startIn(root, { RESET_NATS_PORT: String(other.port) })).rejects.toThrow(
    `port ${other.port} (RESET_NATS_PORT) is taken by another process: set RESET_NATS_PORT to a free port`,
  );
  expect(holderOf(stateFolder(root).lock)).toBeUndefined();
});

test('a port that is none is refused', async () => {
  await expect(startIn(root, { RESET_NATS_PORT: '70000' })).rejects.toThrow(
    'RESET_NATS_PORT=70000 is not a port',
  );
});

test.each([
  ['INFO {"version":"2.9.10","jetstream":true}\r\n', 'is 2.9.10; 2.10.23 or newer is needed'],
  ['INFO {"version":"2.10.29"}\r\n', 'runs without JetStream. Start it with -js'],
  ['SSH-2.0-OpenSSH\r\n', 'what answers there is not a nats-server'],
])('a server of NATS_URL that greets with %j is refused', async (greeting, message) => {
  await using server = await startGreeter(greeting);
  const url = `nats://127.0.0.1:${server.port}`;
  await expect(startIn(root, { NATS_URL: url })).rejects.toThrow(message);
});

test('a NATS_URL that nothing answers at says what to do', async () => {
  await expect(startIn(root, { NATS_URL: 'nats://127.0.0.1:9' })).rejects.toThrow(
    /no nats-server answers at .*ECONNREFUSED.*unset NATS_URL/,
  );
});

test('the greeting of a real server is read', async () => {
  await using nats = await startNats();
  expect(await readServerInfo(nats.url)).toMatchObject({ jetstream: true });
});

test('a second start is told who has the folder', async () => {
  const lock = takeLock(stateFolder(root).lock);
  expect(await startIn(root, {})).toMatchObject({ holder: { pid: process.pid } });
  lock.release?.();
});

test('a state folder that cannot be made says so', async () => {
  await writeFile(join(root, 'file'), '');
  await expect(startIn(join(root, 'file/state'), {})).rejects.toThrow(
    /the state folder .*file\/state cannot be used .*choose another with --state/,
  );
});

test('only a folder that a start has made is removed', async () => {
  await mkdir(join(root, 'documents'));
  expect(() => {
    removeState(stateFolder(root));
  }).toThrow('is not a state folder of reset-loop');
  removeState(stateFolder(join(root, 'none')));
});
