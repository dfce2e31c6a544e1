/** Real rows of public datasets through the curator's reading, planning and sealing. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, expect, test, type TestContext } from 'vitest';
import { type LoadedDataset, loadDatasets } from '../../agents/curator/dataset/load.ts';
import { mixReferences } from '../../agents/curator/dataset/references.ts';
import { sealDataset } from '../../agents/curator/dataset/seal.ts';
import { renderPrompt } from '../../agents/curator/dataset/template.ts';
import { cutUnits } from '../../agents/curator/plan/cut.ts';
import type { DatasetKind } from '../../shared/contract/example.ts';
import { messageOf } from '../../shared/contract/failure.ts';
import type { Dataset, RunFile } from '../../shared/contract/run-file.ts';
import { goldenPath, goldenRows } from '../support/golden.ts';
import { makeRunFile } from '../support/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'curator-rows-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface RealRow {
  kind: DatasetKind;
  instruction: string | null;
  context: string | null;
  question: string | null;
}

function runOf(datasets: Dataset[]): RunFile {
  const judges = [
    { name: 'em', axis: 'task' as const, type: 'exact-match' },
    { name: 'span', axis: 'faithfulness' as const, type: 'span-coverage' },
    { name: 'gpt4', axis: 'instruction' as const, type: 'llm', provider: 'openai', model: 'gpt-4' },
  ];
  return makeRunFile({ datasets, judges, model: { base: 'base', template: 'alpaca' } });
}

/** A dataset of one real file, of the kind that its first row says. */
function datasetOf(context: TestContext, file: string): { dataset: Dataset; rows: RealRow[] } {
  const rows = goldenRows<RealRow>(context, `datasets/${file}`);
  const name = basename(file, '.jsonl').replaceAll('_', '-');
  const train = [goldenPath(context, `datasets/${file}`)];
  return { dataset: { name, kind: rows[0]?.kind ?? 'instruction', train }, rows };
}

function all({ splits }: LoadedDataset) {
  return [...splits.train, ...splits.dev];
}

test('every real row becomes an example, is counted, or is named by its line', async (context) => {
  const refused: string[] = [];
  for (const file of readdirSync(goldenPath(context, 'datasets'))) {
    const { dataset, rows } = datasetOf(context, file);
    const loaded = await loadDatasets(runOf([dataset]), '/').catch(messageOf);
    if (typeof loaded === 'string') {
      refused.push(file);
      const named = loaded.matchAll(/jsonl:(\d+): a row of kind \w+ needs `context`/g);
      const lines = Array.from(named, ([, line]) => Number(line));
      expect(lines.length).toBe(Math.min(rows.length, 20));
      for (const line of lines) expect(rows[line - 1]?.context ?? '').toBe('');
      continue;
    }
    const [one] = loaded;
    if (one === undefined) throw new Error(`${file} gave no dataset`);
    expect([file, all(one).length + one.identical + one.withContext]).toEqual([file, rows.length]);
  }
  // Questions without a passage: the only files that cannot be used.
  expect(refused.sort()).toEqual(['nq_open_no_context.jsonl', 'searchqa_fixture.jsonl']);
});

test('texts stay as they are, whatever characters they hold', async (context) => {
  for (const file of ['xquad_ar.jsonl', 'bioasq.jsonl', 'koala_eval.jsonl']) {
    const { dataset, rows } = datasetOf(context, file);
    const [loaded] = await loadDatasets(runOf([dataset]), '/');
    const texts = new Set(rows.flatMap(textsOf));
    for (const text of loaded === undefined ? [] : all(loaded).flatMap(textsOf))
      expect(texts.has(text)).toBe(true);
  }
});

test('a mix of four real datasets is planned into small units and sealed the same again', async (context) => {
  const files = ['dolly.jsonl', 'nq.jsonl', 'cnn_dailymail.jsonl', 'squad.jsonl'];
  const run = runOf(files.map((file) => datasetOf(context, file).dataset));
  const loaded = await loadDatasets(run, '/');
  for (const { splits } of loaded) {
    const units = cutUnits(splits.train, {
      step: 'r1',
      split: 'train',
      answers: 7,
      maxTokens: 480,
      promptOf: (example) => renderPrompt({ template: 'alpaca' }, example),
    });
    expect(units.flatMap(({ examples }) => examples)).toEqual(splits.train.map(({ id }) => id));
  }
  const parts = loaded.map(({ name, splits }) => ({ name, examples: splits.train }));
  const one = await sealDataset(folder, mixReferences(run, parts).rows);
  const again = await sealDataset(folder, mixReferences(run, parts.toReversed()).rows);
  expect(again).toEqual(one);
  const largest = Math.max(...loaded.map(({ splits }) => splits.train.length));
  expect(Object.values(one.manifest.byDataset)).toEqual([largest, largest, largest, largest]);
  const shard = readFileSync(join(folder, one.digest, one.manifest.files[0]?.path ?? ''), 'utf8');
  expect(shard.split('\n').length - 1).toBe(one.manifest.rows);
});

function textsOf({ instruction, context, question }: Omit<RealRow, 'kind'>): string[] {
  return [instruction, context, question].flatMap((text) => text ?? []);
}
