/**
 * From selections to training rows.
 *
 * B1. Conservation: for each dataset, planned = kept + excluded, each example excluded by one rule.
 * B2. Of rows with the same prompt and completion the first (by dataset, then id) stays. Rows of the same prompt with different
 *     completions all stay.
 * B3. Rows that overlap with dev or test are refused.
 * B4. Every dataset keeps the same share of what was planned, the smallest that any reached, so that the mix of the datasets
 *     stays as planned; which rows go is drawn by (run seed, round, dataset). With `select.keep` the best rows are what was
 *     planned: so many of each dataset, or, whatever the mix, of all; then B4 does not apply.
 * B5. Policy `reference` is a control: a gold reference takes the place of each kept text, so the counts stay the same.
 */
import type { Example } from '../../../shared/contract/example.ts';
import type { FactOf } from '../../../shared/contract/facts.ts';
import { randomFrom } from '../../../shared/contract/random.ts';
import type { RunFile } from '../../../shared/contract/run-file.ts';
import type { TrainingRow } from '../../../shared/contract/training.ts';
import { byExample, drawSome } from '../plan/subset.ts';
import { drawReference } from '../dataset/references.ts';
import { renderTurn } from '../dataset/template.ts';
import { type Cells, sumCells } from './cells.ts';
import { idsBelow } from './keep.ts';
import { findOverlap } from './overlap.ts';
import { addTo } from './score.ts';
import type { Selection } from './select.ts';

export interface SelectedExample {
  readonly example: Example;
  readonly selection: Selection;
  readonly cells: Cells;
}

/** What a round trains on, with its counts in the words of the fact `dataset.sealed`. */
export interface Curation extends Pick<
  FactOf<'dataset.sealed'>,
  'byDataset' | 'ties' | 'duplicates' | 'cells'
> {
  /** Ordered by dataset, then by id. */
  readonly rows: readonly TrainingRow[];
  /** Datasets of the plan of which nothing is left: then the round has nothing balanced to train on, and `rows` is empty. */
  readonly emptied: readonly string[];
}

interface ChosenRow {
  readonly example: Example;
  readonly text: string;
  /** Null where nothing reads it: see `certain.ts`. */
  readonly score: number | null;
  readonly row: TrainingRow;
}

/** Curates the selections of one round, one for each planned example, in any order. `evaluation` are the dev and test examples of all datasets. */
export async function curate(
  file: RunFile,
  round: number,
  selected: readonly SelectedExample[],
  evaluation: Iterable<Example> | AsyncIterable<Example>,
): Promise<Curation> {
  const ordered = [...selected].sort((a, b) => byExample(a.example, b.example));
  const chosen: ChosenRow[] = [];
  /** By example, the rule that excludes it. */
  const rules = new Map<string, string>();
  for (const { example, selection } of ordered) {
    const { score, excluded } = selection;
    const text = trainedText(file, example, selection);
    if (text === undefined) rules.set(example.id, 'no reference');
    else if (text === null || (score === null && excluded !== null))
      rules.set(example.id, excluded ?? 'no scored candidate');
    else chosen.push({ example, text, score, row: rowOf(file, example, text) });
  }
  const duplicates = findDuplicates(chosen);
  for (const id of duplicates) rules.set(id, 'duplicate');
  const distinct = chosen.filter(({ example }) => !rules.has(example.id));
  for (const id of await findOverlap(distinct, evaluation))
    rules.set(id, 'overlap with dev or test');

  const left = countByDataset(ordered, rules);
  const { keep } = file.select;
  const ranked = chosen.filter(({ example }) => !rules.has(example.id));
  for (const id of idsBelow(ranked, keep)) rules.set(id, 'keep');
  const surplus =
    keep?.best === undefined ? surplusOf(countByDataset(ordered, rules), keep?.perDataset) : [];
  for (const [dataset, count] of surplus) {
    const rows = chosen.filter(
      ({ example }) => example.dataset === dataset && !rules.has(example.id),
    );
    const random = randomFrom(file.seed, 'balance', round, dataset);
    for (const { example } of drawSome(rows, count, random)) rules.set(example.id, 'balance');
  }
  return {
    rows: chosen.filter(({ example }) => !rules.has(example.id)).map(({ row }) => row),
    byDataset: countByDataset(ordered, rules),
    emptied: Object.keys(left).filter((dataset) => left[dataset]?.kept === 0),
    ties: ordered.filter(({ selection }) => selection.tied > 1).length,
    duplicates: duplicates.length,
    cells: sumCells(
      file.sampling,
      ordered.map(({ cells }) => cells),
    ),
  };
}

/** Ids of the rows whose prompt and completion an earlier row has. */
function findDuplicates(rows: readonly ChosenRow[]): string[] {
  const seen = new Set<string>();
  return rows.flatMap(({ example, row }) => {
    const content = JSON.stringify(row.turns);
    if (seen.has(content)) return [example.id];
    seen.add(content);
    return [];
  });
}

function countByDataset(
  selected: readonly SelectedExample[],
  rules: ReadonlyMap<string, string>,
): Curation['byDataset'] {
  const counts: Curation['byDataset'] = {};
  for (const { example } of selected) {
    const count = (counts[example.dataset] ??= { planned: 0, kept: 0, excluded: {} });
    const rule = rules.get(example.id);
    count.planned += 1;
    if (rule === undefined) count.kept += 1;
    else addTo(count.excluded, rule);
  }
  return counts;
}

/**
 * How many rows of each dataset are above the smallest share that any dataset kept of its plan, which is at most `most` rows, rounded up to
 * whole rows.
 */
function surplusOf(counts: Curation['byDataset'], most = Infinity): Map<string, number> {
  const all = Object.entries(counts).map(([dataset, { planned, kept }]) => ({
    dataset,
    planned: Math.min(planned, most),
    kept,
  }));
  return new Map(
    all.map(({ dataset, planned, kept }) => {
      const allowed = all.map((other) => Math.ceil((planned * other.kept) / other.planned));
      return [dataset, kept - Math.min(...allowed)];
    }),
  );
}

/** Null where the selection excludes the example, undefined where it lacks the reference that policy `reference` asks for. */
function trainedText(
  { select, seed }: RunFile,
  example: Example,
  { text }: Selection,
): string | null | undefined {
  if (text === null || select.policy !== 'reference') return text;
  return drawReference(seed, example, 0);
}

function rowOf({ model }: RunFile, example: Example, text: string): TrainingRow {
  return {
    id: example.id,
    dataset: example.dataset,
    turns: [renderTurn(model, example, text)],
  };
}
