import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Table from 'cli-table3';
import { parse } from 'yaml';
import { messageOf } from '../../shared/contract/failure.ts';
import { problemsOf } from '../../shared/contract/problems.ts';
import { Recurating, type Recuration } from '../../shared/contract/recuration.ts';
import type { ClusterOptions } from './cluster.ts';
import { CommandError, exits } from './exit.ts';
import { openLedger } from './ledger.ts';
import { chosenRun } from './watch.ts';

export interface RecurateOptions {
  weights: string;
  select: string;
  out?: string | undefined;
  run?: string | undefined;
}

/** Shows the dataset that a round would have trained on with other weights, and writes it where `out` says. */
export async function recurate(
  round: string,
  options: ClusterOptions & RecurateOptions & { json: boolean },
  signal: AbortSignal,
): Promise<number> {
  const changes = readChanges(options);
  const ledger = await openLedger(options, signal);
  try {
    const run = await chosenRun(ledger, options.run);
    const step = /^\d+$/.test(round) ? `r${round}` : round;
    let files: DatasetFiles | undefined;
    for await (const part of ledger.recurate(run, step, changes)) {
      if ('recuration' in part) {
        const { recuration } = part;
        const text = options.json
          ? JSON.stringify({ run, ...recuration })
          : describe(run, recuration);
        process.stdout.write(`${text}\n`);
        if (options.out !== undefined && recuration.dataset !== null)
          files = await datasetFiles(options.out, recuration.dataset);
      } else await files?.append(part.path, part.text);
    }
    if (files !== undefined && !options.json) process.stdout.write(`written to ${files.folder}\n`);
    return exits.done;
  } finally {
    await ledger.close();
  }
}

/** What the command line asks to change. Throws with the option that cannot be read. */
export function readChanges({ weights, select, out }: RecurateOptions): Recurating {
  const given = weights.split(',').map((pair): [axis: string, weight: number] => {
    const [axis = '', weight = '', ...more] = pair.split('=').map((part) => part.trim());
    if (axis === '' || weight === '' || more.length > 0 || !Number.isFinite(Number(weight)))
      throw new CommandError(
        exits.usage,
        `--weights: "${pair}" is not axis=number, such as task=1`,
      );
    return [axis, Number(weight)];
  });
  const parsed = Recurating.safeParse({
    weights: Object.fromEntries(given),
    select: readYaml(select),
    files: out !== undefined,
  });
  if (parsed.success) return parsed.data;
  throw new CommandError(exits.usage, `cannot recurate: ${problemsOf(parsed.error)}`);
}

function readYaml(text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new CommandError(exits.usage, `--select: ${messageOf(error)}`);
  }
}

interface DatasetFiles {
  readonly folder: string;
  append(path: string, text: string): Promise<void>;
}

/** The dataset's own folder, which must be new. The manifest comes last: a folder without one is not whole. */
async function datasetFiles(out: string, digest: string): Promise<DatasetFiles> {
  const folder = join(out, digest);
  await mkdir(out, { recursive: true });
  await mkdir(folder).catch((error: unknown) => {
    throw new CommandError(
      exits.failed,
      `cannot write the dataset: ${messageOf(error)}; give --out another folder`,
    );
  });
  return { folder, append: (path, text) => writeFile(join(folder, path), text, { flag: 'a' }) };
}

/** The figures for people. */
export function describe(run: string, recuration: Recuration): string {
  const { step, weights, dataset, rows, emptied, ties, duplicates, trained } = recuration;
  const sum = Object.entries(weights).map(([axis, weight]) => `${weight} * ${axis}`);
  const made =
    dataset === null
      ? `no dataset: nothing to train on is left of ${emptied.join(', ')}`
      : `dataset ${dataset}, ${rows} rows, ${ties} ties, ${duplicates} duplicates`;
  return [
    `${run}, ${step}, selected by ${sum.join(' + ')}:`,
    made,
    dataset === trained.dataset
      ? 'the same as the round trained on'
      : `the round trained on ${trained.dataset}, ${trained.rows} rows`,
    ...unscoredLines(recuration),
    differenceTable(recuration),
    ...recuration.shown.map(
      ({ dataset: of, row, before, after }) =>
        `${of} ${row}: ${before === null ? 'not kept' : JSON.stringify(before)} → ${after === null ? 'not kept' : JSON.stringify(after)}`,
    ),
  ].join('\n');
}

function unscoredLines({ candidates, unjudged }: Recuration): string[] {
  return [
    ...Object.entries(candidates.unscored).map(
      ([reason, count]) => `unscored: ${count} of ${candidates.planned} candidates: ${reason}`,
    ),
    ...unjudged.map(
      ({ dataset, axis }) =>
        `no judge measured ${axis} of ${dataset}, for it had weight 0 in the run: its candidates have no score now`,
    ),
  ];
}

function differenceTable({ byDataset, difference }: Recuration): string {
  const table = new Table({
    head: ['dataset', 'planned', 'kept', 'excluded', 'same text', 'other text', 'added', 'removed'],
    style: { head: [], border: [] },
  });
  for (const [dataset, { planned, kept, excluded }] of Object.entries(byDataset)) {
    const { same, changed, added, removed } = difference[dataset] ?? nothing;
    const rules = Object.entries(excluded).map(([rule, count]) => `${count} ${rule}`);
    table.push([dataset, planned, kept, rules.join(', '), same, changed, added, removed]);
  }
  return table.toString();
}

const nothing = { same: 0, changed: 0, added: 0, removed: 0 };
