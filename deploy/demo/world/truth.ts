import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Row } from '../../../shared/contract/example.ts';
import { exampleId } from '../../../shared/contract/ids.ts';
import { type ContextRow, createOracle } from './oracle.ts';
import { createPopulation } from './population.ts';
import type { TestSet } from './test-sets.ts';

/** The oracle's value in [0, 1] of an answer to a context row of test; null of any other row. */
export type Truth = (example: string, answer: string) => number | null;

const Made = z.object({ seed: z.int(), vocabulary: z.int() });

/** Reads what the oracle must know of these test sets, which lie in the world's folder. */
export async function readTruth(world: string, sets: readonly TestSet[]): Promise<Truth> {
  const faithfulness = await readOracle(world);
  const rows = new Map<string, ContextRow>();
  for (const set of sets) for (const [example, row] of await readRows(set)) rows.set(example, row);
  return (example, answer) => {
    const row = rows.get(example);
    return row === undefined ? null : faithfulness(row, answer);
  };
}

/** The oracle of the world in this folder. */
export async function readOracle(world: string): Promise<ReturnType<typeof createOracle>> {
  const { seed, vocabulary } = Made.parse(
    JSON.parse(await readFile(join(world, 'world.json'), 'utf8')),
  );
  return createOracle(createPopulation(seed, vocabulary));
}

/** The rows of a context set by the ids that the ledger knows them by; none of an instruction set. */
async function readRows({ name, kind, files }: TestSet): Promise<[string, ContextRow][]> {
  if (kind === 'instruction') return [];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return texts
    .flatMap((text) => text.trim().split('\n'))
    .map((line) => {
      const { references, constraints, ...row } = Row.parse(JSON.parse(line));
      const [instruction, context, question] = [row.instruction, row.context, row.question].map(
        (text) => text ?? null,
      ) as [string | null, string | null, string | null];
      const example = { dataset: name, instruction, context, question, references, constraints };
      return [exampleId(example), { kind, context: context ?? '', question }];
    });
}
