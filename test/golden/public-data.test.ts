import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { sources } from '../../deploy/examples/public-data/sources.ts';
import { programPath } from '../../deploy/local/paths.ts';
import { filesIn, readLines } from '../support/drill/evidence.ts';
import { goldenPath, goldenRows } from '../support/golden.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const Named = z.object({ id: z.string() });
const Refused = Named.extend({ source: z.string(), line: z.int(), why: z.string() });
const counts = z.record(z.string(), z.int());
const Account = z.object({ rows: z.int(), used: counts, refused: counts });

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

test('every row of the public data sets is in one part of the example, or refused by name', async (context) => {
  const data = goldenPath(context, 'datasets');
  await using folder = await temporaryFolder();
  const main = programPath('deploy/examples/public-data/main.js');
  execFileSync(process.execPath, [main, data, folder.path]);
  const rows = join(folder.path, 'rows');
  const accounts = z
    .record(z.string(), Account)
    .parse(JSON.parse(readFileSync(join(rows, 'account.json'), 'utf8')));
  const refused = readLines(join(rows, 'refused.jsonl'), Refused);
  const used = filesIn(rows)
    .filter((name) => /\.(train|test)\.jsonl$/.test(name))
    .flatMap((name) => readLines(join(rows, name), Named));
  expect(Object.keys(accounts)).toEqual(sources.map(({ file }) => file));
  const given: string[] = [];
  for (const [file, account] of Object.entries(accounts)) {
    const raw = goldenRows<{ id: string }>(context, `datasets/${file}.jsonl`);
    given.push(...raw.map(({ id }) => id));
    expect(account.rows, file).toBe(raw.length);
    expect(sum(account.used) + sum(account.refused), file).toBe(raw.length);
    const named = refused.filter(({ source }) => source === file);
    expect(named, file).toHaveLength(sum(account.refused));
    for (const { line, id } of named) expect(raw[line - 1]?.id).toBe(id);
  }
  expect([...used, ...refused].map(({ id }) => id).sort()).toEqual(given.sort());
});
