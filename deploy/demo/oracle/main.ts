/**
 * How faithful answers truly are, for tables: `node dist/deploy/demo/oracle/main.js <world folder> < answers.jsonl`. Reads answers
 * `{dataset, split, example, text, …}` to rows of the demo's world and prints each with `oracle` in [0, 1] added; null where there
 * is no passage or no answer. Exit 0: done; 1: why not is said on stderr.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { exampleId, Id, ShortDigest } from '../../../shared/contract/ids.ts';
import { createOracle } from '../world/oracle.ts';
import { createPopulation } from '../world/population.ts';
import type { ExampleRow } from '../world/rows.ts';
import { kinds } from '../world/world.ts';
import { readOrigin } from '../world/write.ts';

const Answer = z.looseObject({
  dataset: Id,
  split: z.enum(['train', 'dev', 'test']),
  example: ShortDigest,
  text: z.string().nullable(),
});
type Answer = z.infer<typeof Answer>;

async function main([folder, ...rest]: readonly string[]): Promise<void> {
  if (folder === undefined || rest.length > 0) throw new Error('name one world folder');
  const { seed, vocabulary } = await readOrigin(folder);
  const faithfulness = createOracle(createPopulation(seed, vocabulary));
  const parts = new Map<string, ReadonlyMap<string, ExampleRow>>();

  async function valueOf({ dataset, split, example, text }: Answer): Promise<number | null> {
    const kind = kindOf(dataset);
    if (kind === 'instruction' || text === null) return null;
    const file = join(folder ?? '', `${dataset}.${split}.jsonl`);
    const rows = parts.get(file) ?? (await readPart(file, dataset));
    parts.set(file, rows);
    const row = rows.get(example);
    if (row === undefined) throw new Error(`${file} has no example ${example}`);
    return faithfulness({ kind, context: row.context ?? '', question: row.question }, text);
  }

  for await (const line of createInterface({ input: process.stdin })) {
    const answer = Answer.parse(JSON.parse(line));
    const oracle = await valueOf(answer);
    process.stdout.write(`${JSON.stringify({ ...answer, oracle })}\n`);
  }
}

/** Sets of unseen people or new wordings have the name of their dataset with an ending. */
function kindOf(dataset: string): (typeof kinds)[keyof typeof kinds] {
  const known = Object.entries(kinds).find(([name]) => name === dataset.replace(/-.*/, ''));
  if (known === undefined) throw new Error(`${dataset} is no dataset of the demo's world`);
  return known[1];
}

/** Rows of a file by example id. */
async function readPart(file: string, dataset: string): Promise<ReadonlyMap<string, ExampleRow>> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  const rows = lines.map((line) => JSON.parse(line) as ExampleRow);
  return new Map(rows.map((row) => [exampleId({ dataset, ...row }), row]));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`oracle: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
