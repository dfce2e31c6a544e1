import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  publishFolder,
  stagingPath,
  sweepStaging,
  writeFileDurably,
} from '../../shared/process/files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('a file is written into a folder that was missing, and replaces an older one', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'job', 'spec.json');
  await writeFileDurably('spec', file, 'one');
  await writeFileDurably('spec', file, Buffer.from('two'));
  expect(await readFile(file, 'utf8')).toBe('two');
  expect(await readdir(join(folder.path, 'job'))).toEqual(['spec.json']);
});

test('a folder is published whole; to publish it again is done already', async () => {
  await using folder = await temporaryFolder();
  const target = join(folder.path, 'checkpoints', 'c1');
  for (const text of ['first', 'second']) {
    const staging = stagingPath(target);
    await mkdir(join(staging, 'inner'), { recursive: true });
    await writeFile(join(staging, 'inner', 'model'), text);
    await publishFolder('checkpoint', staging, target);
  }
  expect(await readFile(join(target, 'inner', 'model'), 'utf8')).toBe('first');
  expect(await readdir(join(folder.path, 'checkpoints'))).toEqual(['c1']);
});

test('the sweep removes staging and nothing else; a missing folder has none', async () => {
  await using folder = await temporaryFolder();
  await mkdir(stagingPath(join(folder.path, 'c1')));
  await writeFile(stagingPath(join(folder.path, 'spec.json')), 'torn');
  await writeFile(join(folder.path, 'kept'), '');
  await sweepStaging(folder.path);
  await sweepStaging(join(folder.path, 'missing'));
  expect(await readdir(folder.path)).toEqual(['kept']);
});
