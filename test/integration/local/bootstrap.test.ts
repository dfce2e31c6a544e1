import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const entry = join(import.meta.dirname, '../../../../deploy/local/bootstrap.mjs');

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

function run(
  program: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd, env: { ...process.env, ...env } };
    execFile(process.execPath, [program, ...args], options, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

test('the entry works through a link and from any folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reset-entry-'));
  const link = join(folder, 'reset-loop');
  await symlink(entry, link);
  const { code, stdout } = await run(link, ['start', '--help'], folder);
  await rm(folder, { recursive: true });
  expect(code).toBe(0);
  expect(stdout).toContain('--fresh');
});

test('a wrong argument ends with 2 and the usage', async () => {
  const { code, stdout, stderr } = await run(entry, ['start', '--frehs'], tmpdir());
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/Unknown option '--frehs'[\s\S]*--fresh/);
});

test('a state folder on a full disk is named, and nothing is started', async () => {
  const state = await mkdtemp(join(tmpdir(), 'reset-full-'));
  const env = { RESET_FAILPOINTS: 'supervisor.probe.fsync.before=enospc' };
  const { code, stderr } = await run(entry, ['start', '--state', state], tmpdir(), env);
  expect(await readdir(join(state, 'logs'))).toEqual([]);
  await rm(state, { recursive: true });
  expect(code).toBe(1);
  expect(stderr).toContain(
    `the state folder ${state} is on a full disk: free some space and start again; nothing is lost`,
  );
});
