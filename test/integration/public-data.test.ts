import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { sources } from '../../deploy/examples/public-data/sources.ts';
import { programPath } from '../../deploy/local/paths.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const asked = {
  id: 'dolly-1',
  kind: 'instruction',
  instruction: 'Name a fruit.',
  context: '',
  question: null,
  references: ['An apple, say.'],
  meta: {},
};

test('lines that are no rows are named, and then no run file is made', async () => {
  await using folder = await temporaryFolder();
  const [from, to] = [join(folder.path, 'from'), join(folder.path, 'to')];
  await mkdir(from);
  for (const { file } of sources)
    await writeFile(join(from, `${file}.jsonl`), `${JSON.stringify(asked)}\n{"id": 1}\n`);
  const main = programPath('deploy/examples/public-data/main.js');
  const making = promisify(execFile)(process.execPath, [main, from, to]);
  await expect(making).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`${join(from, 'xsum.jsonl')}:2`) as unknown,
  });
  expect(await readdir(to)).not.toContain('run.yaml');
});
