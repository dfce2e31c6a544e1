import { resolve } from 'node:path';
import type { Example } from '../../../shared/contract/example.ts';
import { messageOf, PermanentError } from '../../../shared/contract/failure.ts';
import { randomFrom } from '../../../shared/contract/random.ts';
import type { RunFile, StartStage } from '../../../shared/contract/run-file.ts';
import { TrainingRow } from '../../../shared/contract/training.ts';
import { byExample, drawSome } from '../plan/subset.ts';
import { collectProblems } from './problems.ts';
import { readRows } from './rows.ts';
import { renderReady, renderTurn } from './template.ts';

/** Rows of one stage of the start, in the order of a sealed dataset. */
export interface StageRows {
  readonly rows: Iterable<TrainingRow>;
  /** Train examples without a reference, which cannot be trained on. */
  readonly withoutReference: number;
}

/** The train or dev part of one dataset. */
export interface TrainPart {
  readonly name: string;
  readonly examples: readonly Example[];
}

/** Rows of a stage that names `rows` files: validated, rendered where they are chats, and ordered. Relative paths start at `folder`. */
export async function readStageRows(
  { model }: Pick<RunFile, 'model'>,
  stage: StartStage,
  folder: string,
): Promise<StageRows> {
  const problems = collectProblems(`the rows of start stage ${stage.name} cannot be used`);
  const places = new Map<string, string>();
  const rows: TrainingRow[] = [];
  for (const name of stage.rows ?? [])
    for await (const { place, row } of readRows(resolve(folder, name), TrainingRow, problems)) {
      const key = `${row.dataset}/${row.id}`;
      const other = places.get(key);
      if (other !== undefined)
        problems.add(
          `${place}: row ${row.id} of ${row.dataset} is at ${other} too; give it an id of its own`,
        );
      places.set(key, place);
      try {
        rows.push({ ...row, turns: [...renderReady(model, row.turns)] });
      } catch (error) {
        problems.add(`${place}: ${messageOf(error)}`);
      }
    }
  problems.finish();
  if (rows.length === 0)
    throw new PermanentError(`start stage ${stage.name} has no rows; give files that hold some`);
  return { rows: rows.sort(byExample), withoutReference: 0 };
}

/**
 * The multi-task mix (RESET paper, 2.1): the references of these datasets, each up-sampled to the size of the
 * largest. Whole copies first; the rows of the last, partial copy are drawn by (run seed, dataset). An example with several
 * references gets one, drawn by (run seed, example, copy). Copies after the first have `-c<number>` behind their id.
 */
export function mixReferences(file: RunFile, parts: readonly TrainPart[]): StageRows {
  const usable = parts.map(({ name, examples }) => ({
    name,
    examples: examples.filter(({ references }) => references.length > 0).sort(byExample),
  }));
  const bare = usable.filter(({ examples }) => examples.length === 0).map(({ name }) => name);
  if (usable.length === 0 || bare.length > 0)
    throw new PermanentError(
      usable.length === 0
        ? 'no dataset has a train part to start from; give the start stage `rows`'
        : `the train part of ${bare.join(', ')} has no references to start from; add some, or give the start stage \`rows\``,
    );
  const largest = Math.max(...usable.map(({ examples }) => examples.length));
  return {
    rows: mix(file, usable.sort(byName), largest),
    withoutReference: usable.reduce(
      (sum, { examples }) => sum - examples.length,
      parts.reduce((sum, { examples }) => sum + examples.length, 0),
    ),
  };
}

/** References of dev parts, each example with one once, at most so many of each dataset, in the order of a sealed dataset. */
export function* devReferences(
  file: RunFile,
  parts: readonly TrainPart[],
  most: number,
): Generator<TrainingRow> {
  for (const { examples } of [...parts].sort(byName)) {
    const answered = examples.filter(({ references }) => references.length > 0).sort(byExample);
    for (const example of answered.slice(0, most)) yield referenceRow(file, example, 0);
  }
}

/** Lazily, for the prompts of a whole mix need not fit into memory. In the order of a sealed dataset. */
function* mix(file: RunFile, parts: readonly TrainPart[], largest: number): Generator<TrainingRow> {
  for (const { name, examples } of parts) {
    const copies = Math.floor(largest / examples.length);
    const rest = largest - copies * examples.length;
    const again = new Set(drawSome(examples, rest, randomFrom(file.seed, 'up-sample', name)));
    for (const example of examples)
      for (let copy = 0; copy < copies + (again.has(example) ? 1 : 0); copy += 1)
        yield referenceRow(file, example, copy);
  }
}

/** The reference that an example is trained on, drawn by (run seed, example, copy); undefined where it has none. */
export function drawReference(seed: number, example: Example, copy: number): string | undefined {
  const { id, references } = example;
  if (references.length === 0) return undefined;
  return references[randomFrom(seed, 'reference', id, copy).integer(references.length)];
}

function referenceRow({ seed, model }: RunFile, example: Example, copy: number): TrainingRow {
  const { id, dataset } = example;
  const reference = drawReference(seed, example, copy) ?? '';
  return {
    id: copy === 0 ? id : `${id}-c${String(copy).padStart(6, '0')}`,
    dataset,
    turns: [renderTurn(model, example, reference)],
  };
}

function byName(a: TrainPart, b: TrainPart): number {
  return a.name < b.name ? -1 : 1;
}
