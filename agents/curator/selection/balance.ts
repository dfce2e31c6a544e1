/**
 * From selections to training rows.
 *
 * B1. Conservation: for each dataset, planned = kept + excluded, each example excluded by one rule.
 * B2. Of rows with the same prompt and completion the first (by dataset, then id) stays. Rows of the same prompt with different
 *     completions all stay.
 * B3. Rows that overlap with dev or test are refused.
 * B4. Every dataset keeps the same share of what was planned, the smallest that any reached, so that the mix of the datasets
 *     stays as planned; which rows go is drawn by (run seed, round, dataset).
 */
import type { Example } from '../../../shared/contract/example.ts';
import type { FactOf } from '../../../shared/contract/facts.ts';
import { randomFrom } from '../../../shared/contract/random.ts';
import type { RunFile } from '../../../shared/contract/run-file.ts';
import type { TrainingRow } from '../../../shared/contract/training.ts';
import { byExample, drawSome } from '../plan/subset.ts';
import { renderCompletion, renderPrompt } from '../dataset/template.ts';
import { findOverlap } from './overlap.ts';
import { addTo } from './score.ts';
import type { Selection } from './select.ts';

export interface SelectedExample {
  readonly example: Example;
  readonly selection: Selection;
}

/** What a round trains on, with its counts in the words of the fact `dataset.sealed`. */
export interface Curation extends Pick<
  FactOf<'dataset.sealed'>,
  'byDataset' | 'ties' | 'duplicates'
> {
  /** Ordered by dataset, then by id. */
  readonly rows: readonly TrainingRow[];
  /** Datasets of the plan of which nothing is left: then the round has nothing balanced to train on, and `rows` is empty. */
  readonly emptied: readonly string[];
}

interface Candidate {
  readonly example: Example;
  readonly text: string;
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
  const byDataset: Curation['byDataset'] = {};
  for (const { example } of ordered) {
    const counts = (byDataset[example.dataset] ??= { planned: 0, kept: 0, excluded: {} });
    counts.planned += 1;
  }
  function exclude(example: Example, rule: string): void {
    addTo(byDataset[example.dataset]?.excluded ?? {}, rule);
  }

  const chosen = ordered.flatMap(({ example, selection: { text, excluded } }) => {
    if (text !== null) return [{ example, text, row: rowOf(file, example, text) }];
    exclude(example, excluded ?? 'no scored candidate');
    return [];
  });
  const seen = new Set<string>();
  const distinct = chosen.filter(({ example, row }) => {
    const content = JSON.stringify(row.turns);
    const fresh = !seen.has(content);
    if (!fresh) exclude(example, 'duplicate');
    seen.add(content);
    return fresh;
  });
  const overlap = await findOverlap(distinct, evaluation);
  const clean = distinct.filter(({ example }) => {
    if (overlap.has(example.id)) exclude(example, 'overlap with dev or test');
    return !overlap.has(example.id);
  });
  const kept = balance(clean, byDataset, file.seed, round);
  for (const { example } of clean) if (!kept.has(example.id)) exclude(example, 'balance');
  for (const { example } of clean) {
    const counts = byDataset[example.dataset];
    if (counts !== undefined && kept.has(example.id)) counts.kept += 1;
  }
  return {
    rows: clean.filter(({ example }) => kept.has(example.id)).map(({ row }) => row),
    byDataset,
    emptied: Object.keys(byDataset).filter(
      (name) => !clean.some(({ example }) => example.dataset === name),
    ),
    ties: ordered.filter(({ selection }) => selection.tied > 1).length,
    duplicates: chosen.length - distinct.length,
  };
}

/** Ids of the rows that stay: of each dataset the whole number that is nearest below the smallest share. */
function balance(
  rows: readonly Candidate[],
  byDataset: Curation['byDataset'],
  seed: number,
  round: number,
): ReadonlySet<string> {
  const groups = Object.entries(byDataset).map(([dataset, { planned }]) => {
    const ids = rows.filter((row) => row.example.dataset === dataset).map((row) => row.example.id);
    return { dataset, planned, ids };
  });
  const least = groups.reduce(
    (a, b) => (b.ids.length * a.planned < a.ids.length * b.planned ? b : a),
    {
      dataset: '',
      planned: 1,
      ids: [''],
    },
  );
  return new Set(
    groups.flatMap(({ dataset, planned, ids }) => {
      const count = Math.floor((planned * least.ids.length) / least.planned);
      return drawSome(ids, count, randomFrom(seed, 'balance', round, dataset));
    }),
  );
}

function rowOf({ model }: RunFile, example: Example, text: string): TrainingRow {
  const prompt = renderPrompt(model.template, example);
  return {
    id: example.id,
    dataset: example.dataset,
    turns: [{ prompt, completion: renderCompletion(text) }],
  };
}
