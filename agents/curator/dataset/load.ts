import { resolve } from 'node:path';
import {
  type DatasetKind,
  type Example,
  isContextKind,
  Row,
} from '../../../shared/contract/example.ts';
import { exampleId, type Split } from '../../../shared/contract/ids.ts';
import type { Dataset, RunFile } from '../../../shared/contract/run-file.ts';
import { judgesOf } from '../../../shared/scoring/weigh.ts';
import { byId } from '../plan/subset.ts';
import { drawHeldOut } from './hold-out.ts';
import { checkLeakage, groupKey, type PlacedExample } from './leak.ts';
import { collectProblems, type Problems } from './problems.ts';
import { readRows } from './rows.ts';

/** One dataset of a run, whole. Rows read = examples + identical + withContext. */
export interface LoadedDataset {
  readonly name: string;
  readonly kind: DatasetKind;
  readonly perRound: number | undefined;
  /** It has a train part; an unseen one is shown and never decided on. */
  readonly seen: boolean;
  /** Examples by part, ordered by id. */
  readonly splits: Readonly<Record<Split, readonly Example[]>>;
  /** The dev part was taken from train. */
  readonly heldOut: boolean;
  /** Rows that repeat another of the same part, word for word. */
  readonly identical: number;
  /** Instruction rows that come with a context, which are dropped (RESET paper, 2.1). */
  readonly withContext: number;
}

/** What a row must have, besides its kind's text fields, so that the run's judges can judge it; and what it may have. */
interface Needs {
  readonly references: boolean;
  readonly constraints: boolean;
  /** Whether earlier turns of a conversation can be written. */
  readonly chat: boolean;
}

interface Part {
  readonly rows: PlacedExample[];
  readonly identical: number;
  readonly withContext: number;
}

const splits = ['train', 'dev', 'test'] as const;

/**
 * Reads all datasets of a run; relative paths start at `folder`. Throws one PermanentError that lists bad rows by file and line,
 * parts without rows, and dev or test rows that leak into train.
 */
export async function loadDatasets(file: RunFile, folder: string): Promise<LoadedDataset[]> {
  const problems = collectProblems(`the datasets of run ${file.run} cannot be used`);
  checkParts(file.datasets, problems);
  const loaded = [];
  for (const dataset of file.datasets) {
    const needs = needsOf(dataset.kind, file);
    const parts = {
      train: await readPart(dataset, 'train', needs, folder, problems),
      dev: await readPart(dataset, 'dev', needs, folder, problems),
      test: await readPart(dataset, 'test', needs, folder, problems),
    };
    loaded.push({ dataset, parts });
  }
  problems.finish();
  const heldOut = new Set(
    loaded.flatMap(({ dataset, parts }) => {
      if (dataset.train === undefined || dataset.dev !== undefined) return [];
      const groups = drawHeldOut(dataset.name, parts.train.rows, file.seed);
      if (groups === undefined)
        problems.add(`dataset ${dataset.name}: too few rows to hold out a dev part; give \`dev\``);
      return [...(groups ?? [])];
    }),
  );
  const datasets = loaded.map((one) => holdOut(one.dataset, one.parts, heldOut));
  const rowsOf = (split: Split): PlacedExample[] => datasets.flatMap(({ rows }) => rows[split]);
  checkLeakage(rowsOf('train'), rowsOf('dev'), rowsOf('test'), problems);
  checkPicks(file, datasets, problems);
  problems.finish();
  return datasets.map(({ rows, ...dataset }) => ({
    ...dataset,
    splits: {
      train: rows.train.map(({ example }) => example).sort(byId),
      dev: rows.dev.map(({ example }) => example).sort(byId),
      test: rows.test.map(({ example }) => example).sort(byId),
    },
  }));
}

function checkParts(datasets: readonly Dataset[], problems: Problems): void {
  for (const [index, { name, train, dev, test }] of datasets.entries()) {
    if (datasets.findIndex((other) => other.name === name) < index)
      problems.add(`dataset ${name}: another one has this name; give each its own`);
    if (train === undefined && dev === undefined && test === undefined)
      problems.add(`dataset ${name}: names no file; give \`train\`, \`dev\` or \`test\``);
  }
  if (datasets.every(({ train }) => train === undefined))
    problems.add('no dataset has a `train` part, so there is nothing to sample for');
}

/** Weights that are picked by the references of dev need some. */
function checkPicks(
  { training, start, rounds }: RunFile,
  datasets: readonly ReturnType<typeof holdOut>[],
  problems: Problems,
): void {
  const seen = datasets.filter(({ seen }) => seen).map(({ name }) => name);
  const trained = [
    ...start
      .filter(({ checkpoint }) => checkpoint === undefined)
      .map((stage) => ({
        where: `start stage ${stage.name}`,
        pick: stage.training.pick ?? training.pick,
        names: stage.datasets ?? seen,
      })),
    ...(rounds.max > 0 ? [{ where: 'training', pick: training.pick, names: seen }] : []),
  ];
  const answered = datasets
    .filter(({ rows }) => rows.dev.some(({ example }) => example.references.length > 0))
    .map(({ name }) => name);
  for (const { where, pick, names } of trained)
    if (pick === 'dev-perplexity' && !names.some((name) => answered.includes(name)))
      problems.add(
        `${where}: pick dev-perplexity reads references of dev, and ${names.join(', ')} have none there; add some, or write \`pick: last\``,
      );
}

/** The groups of all datasets that hold out leave the train part of each, so that a context of two of them does not leak. */
function holdOut(dataset: Dataset, parts: Record<Split, Part>, groups: ReadonlySet<string>) {
  const { name, kind, perRound } = dataset;
  const seen = dataset.train !== undefined;
  const heldOut = seen && dataset.dev === undefined;
  const all = splits.map((split) => parts[split]);
  return {
    name,
    kind,
    perRound,
    seen,
    heldOut,
    identical: all.reduce((sum, part) => sum + part.identical, 0),
    withContext: all.reduce((sum, part) => sum + part.withContext, 0),
    rows: {
      train: parts.train.rows.filter(({ group }) => !heldOut || !groups.has(group)),
      dev: heldOut ? parts.train.rows.filter(({ group }) => groups.has(group)) : parts.dev.rows,
      test: parts.test.rows,
    },
  };
}

function needsOf(kind: DatasetKind, { judges, model }: RunFile): Needs {
  const applicable = judgesOf(kind, judges);
  return {
    references: applicable.some(({ axis }) => axis === 'task'),
    constraints: applicable.some(({ type }) => type === 'verifiable'),
    chat: model.template === 'chat',
  };
}

async function readPart(
  dataset: Dataset,
  split: Split,
  needs: Needs,
  folder: string,
  problems: Problems,
): Promise<Part> {
  const names = dataset[split] ?? [];
  const examples = new Map<string, PlacedExample>();
  let identical = 0;
  let withContext = 0;
  for (const name of names)
    for await (const { place, row } of readRows(resolve(folder, name), Row, problems)) {
      const example = toExample(dataset, row);
      if (example.kind === 'instruction' && example.context !== null) {
        withContext += 1;
        continue;
      }
      const lack = findLack(example, needs);
      if (lack !== undefined) problems.add(`${place}: ${lack}`);
      else if (examples.has(example.id)) identical += 1;
      else examples.set(example.id, { place, example, group: groupKey(example) });
    }
  if (names.length > 0 && examples.size === 0)
    problems.add(`${names.join(', ')}: no row that can be used as ${split} of ${dataset.name}`);
  return { rows: [...examples.values()], identical, withContext };
}

function toExample({ name, kind }: Dataset, row: Row): Example {
  const fields = {
    dataset: name,
    instruction: textOrNull(row.instruction),
    ...(row.history === undefined ? {} : { history: row.history }),
    context: textOrNull(row.context),
    question: textOrNull(row.question),
    references: row.references.filter((reference) => reference.trim() !== ''),
    ...(row.constraints === undefined ? {} : { constraints: row.constraints }),
  };
  return { id: exampleId(fields), kind, ...fields };
}

/** What an example of its kind lacks, with the fix; undefined where it is whole. */
function findLack(example: Example, needs: Needs): string | undefined {
  const { kind, instruction, history, context, question, references, constraints } = example;
  if (history !== undefined && kind !== 'instruction')
    return `a row of kind ${kind} has no \`history\`; drop it, or give the row to a dataset of kind instruction`;
  if (history !== undefined && !needs.chat)
    return '`history` needs `model.template: chat`, for a model with a chat template; drop the row, or its history';
  if (kind === 'instruction') {
    if (instruction === null) return 'a row of kind instruction needs `instruction`';
    if (question !== null)
      return 'a row of kind instruction has no `question`; put it into `instruction`';
  }
  if (isContextKind(kind) && context === null) return `a row of kind ${kind} needs \`context\``;
  if (kind.endsWith('_qa') && question === null) return `a row of kind ${kind} needs \`question\``;
  if (needs.references && references.length === 0)
    return 'a judge of the axis task needs at least one of `references` that is not blank';
  if (needs.constraints && (constraints ?? []).length === 0)
    return 'a judge of type verifiable needs at least one of `constraints`';
  return undefined;
}

function textOrNull(text: string | null | undefined): string | null {
  return text === undefined || text === null || text.trim() === '' ? null : text;
}
