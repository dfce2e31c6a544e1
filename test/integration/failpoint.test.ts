import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sweepStaging } from '../../shared/process/files.ts';
import { startProgram } from '../support/child.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const steps = ['fsync', 'rename', 'fsync-folder'].flatMap((step) => [
  `seal.${step}.before`,
  `seal.${step}.after`,
]);

test.each(steps)('a kill at %s leaves the old file or the new one, never a part', async (name) => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'manifest.json');
  const marks = join(folder.path, 'marks');
  const write = (text: string, failpoints = '') =>
    startProgram('write-file', [file, text], {
      RESET_FAILPOINTS: failpoints,
      RESET_FAILPOINT_MARKS: marks,
    });
  await write('old').ended;
  expect(await write('new', `${name}=kill`).ended).toBe('SIGKILL');
  const renamed = name === 'seal.rename.after' || name.startsWith('seal.fsync-folder');
  expect(await readFile(file, 'utf8')).toBe(renamed ? 'new' : 'old');
  expect(await readFile(join(marks, name), 'utf8')).toContain('"action":"kill"');
  expect(await write('new', `${name}=kill`).ended).toBe(0);
  await sweepStaging(folder.path);
  expect((await readdir(folder.path)).sort()).toEqual(['manifest.json', 'marks']);
});

test('a failpoint that is misspelt stops the process: it would prove nothing', async () => {
  await using folder = await temporaryFolder();
  const child = startProgram('write-file', [join(folder.path, 'a'), 'a'], {
    RESET_FAILPOINTS: 'seal.fsync.before=explode',
  });
  expect(await child.ended).toBe(1);
  expect(child.lines.join('\n')).toContain('name=kill');
});

test('a full disk leaves the old file and removes the staging', async () => {
  await using folder = await temporaryFolder();
  const child = startProgram('write-file', [join(folder.path, 'a'), 'a'], {
    RESET_FAILPOINTS: 'seal.fsync.before=enospc',
  });
  expect(await child.ended).toBe(1);
  expect(child.lines.join('\n')).toContain('ENOSPC');
  expect(await readdir(folder.path)).toEqual([]);
});
