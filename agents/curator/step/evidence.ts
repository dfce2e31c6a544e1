/** What a conclusion is drawn from, read from the ledger. */
import type { Example } from '../../../shared/contract/example.ts';
import { PermanentError } from '../../../shared/contract/failure.ts';
import type { Split } from '../../../shared/contract/ids.ts';
import type { RunFile } from '../../../shared/contract/run-file.ts';
import type { Store } from '../../../shared/store/store.ts';
import type { TrainPart } from '../dataset/references.ts';
import type { EvaluatedExample } from '../evaluation/scores.ts';
import { read, type StoredSample, type TaskRecord, tables } from '../ledger/tables.ts';
import { datasetOf, readExamples, readUnit } from '../ledger/units.ts';
import { readCompared } from '../pairs/opponents.ts';
import type { PlannedUnit } from '../plan/cut.ts';
import type { Run } from '../run.ts';
import type { SelectedExample } from '../selection/balance.ts';
import type { Selection } from '../selection/select.ts';
import { countCells } from '../selection/cells.ts';
import type { Board } from './board.ts';
import { plannedCandidates, scoreUnit } from './score-unit.ts';

const EXAMPLES_AT_ONCE = 100;

/** The selection of each example of a unit. */
export type SelectionsOf = (unit: PlannedUnit) => Promise<ReadonlyMap<string, Selection>>;

/** The selections that the ledger holds. */
function storedSelections(store: Store, run: string, step: string): SelectionsOf {
  return async ({ examples }) => {
    const selections = new Map<string, Selection>();
    for (const example of examples) {
      const selection = await read(store, tables.selection, `${run}/${step}/${example}`);
      if (selection !== undefined) selections.set(example, selection);
    }
    return selections;
  };
}

/** Every planned example of a round with its selection, by default that of the ledger, and what its cells gave. */
export async function readSelected(
  store: Store,
  { name, file }: Pick<Run, 'name' | 'file'>,
  { record: { step, checkpoint, winRates }, units }: Board,
  selectionsOf: SelectionsOf = storedSelections(store, name, step),
): Promise<SelectedExample[]> {
  const selected: SelectedExample[] = [];
  if (checkpoint === null) return selected;
  const task = { step, checkpoint, winRates };
  for (const planned of units.values()) {
    const sample = await read(store, tables.sample, `${name}/${planned.unit}`);
    const texts = textsByCandidate(sample);
    const selections = await selectionsOf(planned);
    const examples = await readExamples(store, name, planned.examples);
    for (const example of examples) {
      const selection = selections.get(example.id);
      if (selection === undefined)
        throw new PermanentError(
          `the ledger is damaged: ${step} of run ${name} has no selection of ${example.id}; restore its folder from a copy`,
        );
      const candidates = plannedCandidates(file, task, planned, example.id).map(
        ({ candidate, cells }) => ({ cells, text: texts.get(candidate) ?? null }),
      );
      selected.push({ example, selection, cells: countCells(candidates, selection.text) });
    }
  }
  return selected;
}

function textsByCandidate(sample: StoredSample | undefined): Map<string, string> {
  const generations = sample?.items.flatMap((item) => item.generations) ?? [];
  return new Map(
    generations.flatMap((one) => (one.outcome === 'generated' ? [[one.candidate, one.text]] : [])),
  );
}

/** The greedy answers to the rows of a unit of an evaluation, with their verdicts, in the order of its plan. */
export async function readEvaluated(
  store: Store,
  run: Pick<Run, 'name' | 'file' | 'judgesOf' | 'journal'>,
  { step, checkpoint, winRates }: TaskRecord,
  planned: PlannedUnit,
): Promise<EvaluatedExample[]> {
  const { name, file } = run;
  const { dataset, split } = planned;
  if (split === 'train' || checkpoint === null) return [];
  const judges = run.judgesOf(planned);
  const records = await readUnit(store, name, planned, judges);
  const comparedOf = await readCompared(run, judges, records, store);
  const examples = await readExamples(store, name, planned.examples);
  const { kind } = datasetOf(file, dataset);
  const scored = scoreUnit(file, kind, { step, checkpoint, winRates }, records);
  return examples.flatMap((example, at) => {
    const greedy = scored[at]?.candidates[0];
    if (greedy === undefined) return [];
    const { text, failure, verdicts } = greedy;
    return [{ example, split, text, failure, verdicts, compared: comparedOf(example) }];
  });
}

/** Dev and test rows of all datasets, a few at a time. */
export async function* readEvaluationRows(
  store: Store,
  run: string,
  file: RunFile,
): AsyncGenerator<Example> {
  for (const { name } of file.datasets)
    for (const split of ['dev', 'test'] as const) yield* readPart(store, run, name, split);
}

/** The train or dev parts of the seen datasets. */
export async function readSeenParts(
  store: Store,
  run: string,
  { datasets }: RunFile,
  split: 'train' | 'dev',
): Promise<TrainPart[]> {
  const parts: TrainPart[] = [];
  for (const { name, train } of datasets) {
    if (train === undefined) continue;
    const examples: Example[] = [];
    for await (const example of readPart(store, run, name, split)) examples.push(example);
    parts.push({ name, examples });
  }
  return parts;
}

async function* readPart(
  store: Store,
  run: string,
  dataset: string,
  split: Split,
): AsyncGenerator<Example> {
  const ids = (await read(store, tables.part, `${run}/${dataset}/${split}`)) ?? [];
  for (let first = 0; first < ids.length; first += EXAMPLES_AT_ONCE)
    yield* await readExamples(store, run, ids.slice(first, first + EXAMPLES_AT_ONCE));
}
