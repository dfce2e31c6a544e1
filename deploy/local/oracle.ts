import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { RunFile } from '../../shared/contract/run-file.ts';
import { Answer } from '../../shared/contract/steps.ts';
import { macroMean } from '../../shared/scoring/bootstrap.ts';
import { testSetsOf, type TestSet } from '../demo/world/test-sets.ts';
import { readTruth, type Truth } from '../demo/world/truth.ts';
import { linesOf } from './reset-loop.ts';

const Finished = z.object({ rounds: z.array(z.object({ round: z.int() })) });

/**
 * What the world itself knows of the answers of each round to the test rows, in words. It is told when the run is over, beside the
 * judges' scores; nothing in the run can read it.
 */
export async function oracleLine(
  runFile: string,
  state: string,
  signal: AbortSignal,
): Promise<string> {
  const file = RunFile.parse(parse(await readFile(runFile, 'utf8')));
  const sets = testSetsOf(file, dirname(runFile));
  const truth = await readTruth(join(dirname(runFile), 'world'), sets);
  const rounds = await roundsOf(file.run, state, signal);
  const told = await Promise.all(
    rounds.map(async (round) => {
      const lines = linesOf(['answers', String(round), '--run', file.run], state, signal);
      const values = await valuesOf(lines, truth);
      const [seen, unseen] = (['seen', 'unseen'] as const).map((place) =>
        meanOf(place, sets, values),
      );
      return `${round === 0 ? 'start' : `round ${round}`} ${seen} seen, ${unseen} unseen`;
    }),
  );
  return `oracle (the share of what is said that the passage says, as the world knows it; nothing in the run reads it):\n  ${told.join('; ')}`;
}

/** The rounds that a finished run has evaluated. */
async function roundsOf(run: string, state: string, signal: AbortSignal): Promise<number[]> {
  let last = '';
  for await (const line of linesOf(['watch', run], state, signal)) last = line;
  return Finished.parse(JSON.parse(last)).rounds.map(({ round }) => round);
}

async function valuesOf(
  lines: AsyncIterable<string>,
  truth: Truth,
): Promise<Map<string, number[]>> {
  const values = new Map<string, number[]>();
  for await (const line of lines) {
    const { split, dataset, example, text } = Answer.parse(JSON.parse(line));
    const value = split === 'test' && text !== null ? truth(example, text) : null;
    if (value === null) continue;
    const ofDataset = values.get(dataset) ?? [];
    values.set(dataset, ofDataset);
    ofDataset.push(value);
  }
  return values;
}

function meanOf(
  place: TestSet['place'],
  sets: readonly TestSet[],
  values: ReadonlyMap<string, number[]>,
): string {
  const strata = sets
    .filter((set) => set.place === place && values.has(set.name))
    .map(({ name }) => ({ dataset: name, values: values.get(name) ?? [] }));
  return strata.length === 0 ? 'none' : macroMean(strata).toFixed(3);
}
