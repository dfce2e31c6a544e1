import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findNatsServer, versionOf } from '../../../deploy/local/nats-server.ts';
import { isAtLeast, minimumNatsVersion } from '../../../deploy/local/version.ts';
import { startNats } from '../../support/nats.ts';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reset-find-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A program that prints a version, as a stand-in for a nats-server of that version. */
async function plant(path: string, version: string): Promise<string> {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  await chmod(path, 0o755);
  return path;
}

test('the server that is found runs and is new enough', async () => {
  expect(isAtLeast(await versionOf(await findNatsServer()), minimumNatsVersion)).toBe(true);
});

test('a server on PATH that is too old is passed over for one in the cache', async () => {
  await plant(join(folder, 'bin/nats-server'), '2.9.10');
  const name = `nats-server-${process.platform}-${process.arch}`;
  const cached = await plant(join(folder, 'cache/reset-loop', name), '2.10.23');
  const env = { PATH: join(folder, 'bin'), XDG_CACHE_HOME: join(folder, 'cache') };
  expect(await findNatsServer({ env })).toBe(cached);
});

test('a new enough server on PATH is taken before the cache', async () => {
  const onPath = await plant(join(folder, 'bin/nats-server'), '2.11.0');
  const env = { PATH: join(folder, 'bin'), XDG_CACHE_HOME: join(folder, 'cache') };
  expect(await findNatsServer({ env })).toBe(onPath);
});

test('a program that fails its check is refused by name', async () => {
  const old = await plant(join(folder, 'nats-server'), '2.10.22');
  await expect(versionOf(old)).rejects.toThrow(`${old} is 2.10.22, older than 2.10.23`);
});

test('a killed server started again on its store and port is the same address', async () => {
  await using first = await startNats();
  await first.kill();
  await using second = await startNats({ store: first.store, port: first.port });
  expect(second.url).toBe(first.url);
  const socket = createConnection(second.port, '127.0.0.1');
  const [info] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  expect(info.toString()).toContain('"jetstream":true');
});
