import { resolve } from 'node:path';
import { PermanentError } from '../../../shared/contract/failure.ts';
import { randomFrom } from '../../../shared/contract/random.ts';
import type { RunFile, StartStage } from '../../../shared/contract/run-file.ts';
import { TrainingRow } from '../../../shared/contract/training.ts';
import { byExample, drawSome } from '../plan/subset.ts';
import type { LoadedDataset } from './load.ts';
import { collectProblems } from './problems.ts';
import { readRows } from './rows.ts';
import { renderCompletion, renderPrompt } from './template.ts';

/** Rows of one stage of the start, in the order of a sealed dataset. */
export interface StageRows {
  readonly rows: readonly TrainingRow[];
  /** Train examples without a reference, which cannot be trained on. */
  readonly withoutReference: number;
}

/** Rows of a stage that names `rows` files: passed through, validated and ordered. Relative paths start at `folder`. */
export async function readStageRows(stage: StartStage, folder: string): Promise<StageRows> {
  const problems = collectProblems(`the rows of start stage ${stage.name} cannot be used`);
  const places = new Map<string, string>();
  const rows: TrainingRow[] = [];
  for (const name of stage.rows ?? [])
    for await (const { place, row } of readRows(
      resolve(folder, name),
      name,
      TrainingRow,
      problems,
    )) {
      const key = `${row.dataset}/${row.id}`;
      const other = places.get(key);
      if (other !== undefined)
        problems.add(place, `row ${row.id} of ${row.dataset} is at ${other} too; ids are unique`);
      places.set(key, place);
      rows.push(row);
    }
  problems.finish();
  if (rows.length === 0)
    throw new PermanentError(`start stage ${stage.name} has no rows; give files that hold some`);
  return { rows: rows.sort(byExample), withoutReference: 0 };
}

/**
 * The multi-task mix (RESET paper, 2.1): the references of all training datasets, each dataset up-sampled to the size of the
 * largest. Whole copies first; the rows of the last, partial copy are drawn by (run seed, dataset). An example with several
 * references gets one, drawn by (run seed, example, copy). Copies after the first have `-c<number>` behind their id.
 */
export function mixReferences(file: RunFile, datasets: readonly LoadedDataset[]): StageRows {
  const trained = datasets
    .filter(({ seen }) => seen)
    .map(({ name, splits }) => ({
      name,
      all: splits.train.length,
      usable: splits.train.filter(({ references }) => references.length > 0),
    }));
  const bare = trained.filter(({ usable }) => usable.length === 0).map(({ name }) => name);
  if (trained.length === 0 || bare.length > 0)
    throw new PermanentError(
      `the references of the training datasets cannot be mixed: ${bare.join(', ') || 'no dataset'} has a train part with references; ` +
        'add references, or give the stage `rows`',
    );
  const largest = Math.max(...trained.map(({ usable }) => usable.length));
  const rows = trained.flatMap(({ name, usable }) => {
    const copies = Math.floor(largest / usable.length);
    const rest = largest - copies * usable.length;
    const again = new Set(
      drawSome([...usable].sort(byExample), rest, randomFrom(file.seed, 'up-sample', name)),
    );
    return usable.flatMap((example) =>
      Array.from({ length: copies + (again.has(example) ? 1 : 0) }, (_, copy): TrainingRow => {
        const random = randomFrom(file.seed, 'reference', example.id, copy);
        const reference = example.references[random.integer(example.references.length)] ?? '';
        return {
          id: copy === 0 ? example.id : `${example.id}-c${String(copy).padStart(6, '0')}`,
          dataset: name,
          turns: [
            {
              prompt: renderPrompt(file.model.template, example),
              completion: renderCompletion(reference),
            },
          ],
        };
      }),
    );
  });
  return {
    rows: rows.sort(byExample),
    withoutReference: trained.reduce((sum, { all, usable }) => sum + all - usable.length, 0),
  };
}
