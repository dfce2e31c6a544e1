import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { holderOf, isRunning, startTimeOf, takeLock } from '#local/lock.mjs';

let folder = '';
let path = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reset-lock-'));
  path = join(folder, 'lock');
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Takes the lock in a process of its own, which says "mine" or "theirs" and waits to be killed. */
async function contender(): Promise<{ said: string; kill: () => Promise<void> }> {
  const program = `
    const { takeLock } = await import(process.argv[1]);
    process.stdout.write(takeLock(process.argv[2]).holder === undefined ? 'mine' : 'theirs');
    setInterval(() => undefined, 1000);`;
  const args = ['--input-type=module', '-e', program, import.meta.resolve('#local/lock.mjs'), path];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    said: said.toString(),
    kill: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

test('a lock is held until its release, and its holder is named', () => {
  const first = takeLock(path);
  expect(takeLock(path).holder?.pid).toBe(process.pid);
  expect(holderOf(path)?.pid).toBe(process.pid);
  first.release?.();
  expect(existsSync(path)).toBe(false);
  takeLock(path).release?.();
});

test('of several processes at once exactly one gets it, even over a stale lock', async () => {
  await writeFile(path, JSON.stringify({ pid: 1, startTime: 'long ago' }));
  const contenders = await Promise.all(Array.from({ length: 6 }, contender));
  await Promise.all(contenders.map((each) => each.kill()));
  expect(contenders.map(({ said }) => said).sort()).toEqual([
    'mine',
    ...Array<string>(5).fill('theirs'),
  ]);
});

test('the lock of a killed process is free', async () => {
  const other = await contender();
  expect(takeLock(path).holder).toBeDefined();
  await other.kill();
  expect(holderOf(path)).toBeUndefined();
  expect(takeLock(path).holder).toBeUndefined();
});

test('a pid that was used again does not hold the lock', async () => {
  await writeFile(path, JSON.stringify({ pid: process.pid, startTime: 'of another life' }));
  expect(takeLock(path).holder).toBeUndefined();
  expect(await readFile(path, 'utf8')).toContain(startTimeOf(process.pid));
});

test('a process that is gone has no start time', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  const holder = { pid: child.pid ?? 0, startTime: startTimeOf(child.pid ?? 0) ?? '' };
  expect(isRunning(holder)).toBe(true);
  await once(child, 'exit');
  expect(isRunning(holder)).toBe(false);
});
