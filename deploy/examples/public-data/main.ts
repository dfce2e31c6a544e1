/**
 * Makes the rows of the example's run: `node dist/deploy/examples/public-data/main.js <folder of the sources> <folder to write>`. Beside the
 * rows it writes `account.json`, what became of how many rows of each source, and `refused.jsonl`, which names each row that is in no
 * part and why; and the run file. The same sources give the same bytes. Exit 0: all is there; 1: why not is said on stderr.
 */
import { createWriteStream } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../../shared/contract/failure.ts';
import { readJsonLines } from '../../../shared/process/json-lines.ts';
import { type Source, SourceRow, sources, take } from './sources.ts';

/** rows = the sum of used + the sum of refused. `used` counts by dataset and part, such as `nq/train`. */
interface Account {
  rows: number;
  used: Record<string, number>;
  refused: Record<string, number>;
}

const here = dirname(fileURLToPath(import.meta.url));
const ours = join(here, '../../../../deploy/examples/public-data');
const MOST_PROBLEMS = 20;

async function makeRows(from: string, to: string): Promise<Record<string, Account>> {
  await mkdir(join(to, 'rows'), { recursive: true });
  const files = createFiles(join(to, 'rows'));
  const accounts: Record<string, Account> = {};
  const problems: string[] = [];
  for (const source of sources)
    accounts[source.file] = await makeSource(source, from, files, problems);
  await files.close();
  if (problems.length > 0)
    throw new Error(
      `${problems.length} lines are no rows of the form that the README of the sources describes:\n${problems.slice(0, MOST_PROBLEMS).join('\n')}`,
    );
  await copyFile(join(ours, 'run.yaml'), join(to, 'run.yaml'));
  await writeFile(join(to, 'rows/account.json'), `${JSON.stringify(accounts, null, 2)}\n`);
  return accounts;
}

async function makeSource(
  source: Source,
  from: string,
  files: ReturnType<typeof createFiles>,
  problems: string[],
): Promise<Account> {
  const account: Account = { rows: 0, used: {}, refused: {} };
  for await (const read of readJsonLines(join(from, `${source.file}.jsonl`), SourceRow)) {
    account.rows += 1;
    if (!read.ok) {
      problems.push(read.problem);
      continue;
    }
    const taken = take(read.value, source);
    if ('refused' in taken) {
      const { id } = read.value;
      count(account.refused, taken.refused);
      files.write('refused', { source: source.file, line: read.line, id, why: taken.refused });
    } else {
      count(account.used, `${taken.dataset}/${taken.part}`);
      files.write(`${taken.dataset}.${taken.part}`, taken.row);
    }
  }
  return account;
}

/** JSONL files by name, each begun anew with its first line. */
function createFiles(folder: string) {
  const streams = new Map<string, ReturnType<typeof createWriteStream>>();
  return {
    write: (name: string, line: object): void => {
      const stream = streams.get(name) ?? createWriteStream(join(folder, `${name}.jsonl`));
      streams.set(name, stream);
      stream.write(`${JSON.stringify(line)}\n`);
    },
    close: () => Promise.all([...streams.values()].map((stream) => finished(stream.end()))),
  };
}

function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

function describe([source, { rows, used, refused }]: [string, Account]): string {
  const parts = [used, refused].map((counts) =>
    Object.entries(counts)
      .map(([key, rows]) => `${rows} ${key}`)
      .join(', '),
  );
  return `${source}: ${rows} rows: ${parts[0]}${parts[1] === '' ? '' : `; refused: ${parts[1]}`}\n`;
}

try {
  const [from, to, ...more] = process.argv.slice(2);
  if (from === undefined || to === undefined || more.length > 0)
    throw new Error('name two folders: of the sources, and to write into');
  if (!relative(resolve(from), resolve(to)).startsWith('..'))
    throw new Error('the folder to write into must not lie in that of the sources');
  const accounts = await makeRows(resolve(from), resolve(to));
  process.stdout.write(Object.entries(accounts).map(describe).join(''));
} catch (error) {
  process.stderr.write(`public-data: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
