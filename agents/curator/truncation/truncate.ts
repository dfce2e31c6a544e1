/**
 * Contexts are shortened once, when a run is opened, before anything is made of them: so what a model is asked, what its judges read and
 * what is trained on is the same text for every checkpoint, server and peer, and follows from the rows, the run file and the tokenizer alone.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Example } from '../../../shared/contract/example.ts';
import { Split } from '../../../shared/contract/ids.ts';
import type { RunFile } from '../../../shared/contract/run-file.ts';
import type {
  RunTruncation,
  Shortened,
  TruncationCounts,
} from '../../../shared/contract/truncation.ts';
import type { LoadedDataset } from '../dataset/load.ts';
import { collectProblems } from '../dataset/problems.ts';
import { type Fit, fitExample } from './fit.ts';
import { readTokenizer } from './tokenizer.ts';
import { modelFolder, windowOf } from './window.ts';

export interface Truncated {
  /** Without the examples that do not fit. */
  readonly datasets: readonly LoadedDataset[];
  readonly refused: readonly Example[];
  /** By example, those that were shortened or refused. */
  readonly shortened: ReadonlyMap<string, Shortened>;
  /** Undefined where nothing can be measured: a run from scratch, or a model whose folder is not here. */
  readonly truncation: RunTruncation | undefined;
}

/** Counting takes milliseconds a row, and there may be many; nobody else has to wait longer than that. */
const TURN_MS = 50;

/**
 * Shortens the contexts of a run's rows by its `truncation`. PermanentError where no row of a part fits, or where tokens would have to be
 * counted and the model's folder has no `tokenizer.json`.
 */
export async function truncate(
  file: RunFile,
  loaded: readonly LoadedDataset[],
): Promise<Truncated> {
  const folder = modelFolder(file);
  const window = folder === undefined ? undefined : await windowOf(file, folder);
  if (folder === undefined || window === undefined)
    return { datasets: loaded, refused: [], shortened: new Map(), truncation: undefined };
  const measures = { window, folder, tokenizer: await readTokenizer(folder) };
  const problems = collectProblems(`the rows of run ${file.run} do not fit the model`);
  const datasets: LoadedDataset[] = [];
  const refused: Example[] = [];
  const shortened = new Map<string, Shortened>();
  const counts: RunTruncation['datasets'] = {};
  const turn = createTurn();
  for (const dataset of loaded) {
    const splits: Record<Split, Example[]> = { train: [], dev: [], test: [] };
    const count = { examples: 0, shortened: 0, refused: 0, tokensCut: 0 };
    for (const split of Split.options) {
      const examples = dataset.splits[split];
      for (const example of examples) {
        const fit = fitExample(file, measures, example, split);
        if (fit.shortened !== undefined) shortened.set(example.id, fit.shortened);
        if (fit.example === null) refused.push(example);
        else splits[split].push(fit.example);
        add(count, fit);
        await turn();
      }
      if (examples.length > 0 && splits[split].length === 0)
        problems.add(
          `dataset ${dataset.name}: no row of ${split} leaves room for an answer in ${window} tokens`,
        );
    }
    datasets.push({ ...dataset, splits });
    counts[dataset.name] = count;
  }
  problems.finish();
  return { datasets, refused, shortened, truncation: { window, datasets: counts } };
}

function add(count: TruncationCounts, { example, shortened }: Fit): void {
  count.examples += 1;
  if (example === null) count.refused += 1;
  if (shortened === undefined || shortened.kept === null) return;
  count.shortened += 1;
  count.tokensCut += shortened.tokens - shortened.kept;
}

/** Lets others go first where it is time. */
function createTurn(): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < TURN_MS) return;
    await nextTurn();
    since = performance.now();
  };
}
