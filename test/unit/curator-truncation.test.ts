import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { z } from 'zod';
import type { LoadedDataset } from '../../agents/curator/dataset/load.ts';
import { renderPrompt } from '../../agents/curator/dataset/template.ts';
import { truncate } from '../../agents/curator/truncation/truncate.ts';
import type { Example } from '../../shared/contract/example.ts';
import type { RunFile } from '../../shared/contract/run-file.ts';
import { buildTokenizer } from '../../shared/tinylm/model/tokenizer.ts';
import { makeExample, makeInstructions, makeRunFile } from '../support/run.ts';

const WINDOW = 100;
const ANSWER = 16;
const sentence = (about: string): string => `${about} lives in Oslo and works in Paris. `;
const own = buildTokenizer([
  sentence('Ada'),
  'Bob',
  'Cy',
  'Where does Ada live?',
  '> ',
  'Oslo Oslo',
]);

/** Tokens of an example's prompt in training, with the one that begins a row. */
function tokensOf(example: Example): number {
  return own.encode(renderPrompt({ template: 'plain' }, example)).length + 1;
}

/** A model's folder, by default with tinylm's tokenizer and a hundred positions. */
function modelFolder(files: Readonly<Record<string, unknown>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'model-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  const all = {
    'config.json': { max_position_embeddings: WINDOW },
    'tokenizer.json': { type: 'tinylm', version: 1, pieces: own.pieces },
    ...files,
  };
  for (const [name, value] of Object.entries(all))
    if (value !== undefined) writeFileSync(join(folder, name), JSON.stringify(value));
  return folder;
}

function runOf(base: string, changes: Partial<z.input<typeof RunFile>> = {}): RunFile {
  return makeRunFile({ model: { base, template: 'plain' }, ...changes });
}

function datasetOf(
  splits: Partial<LoadedDataset['splits']>,
  kind: LoadedDataset['kind'] = 'extractive_qa',
): LoadedDataset {
  const common = { kind, perRound: undefined, seen: true, heldOut: false };
  const whole = { train: [], dev: [], test: [], ...splits };
  return { name: 'span', ...common, splits: whole, identical: 0, withContext: 0 };
}

const short = makeExample();
const long = makeExample({
  context: `${sentence('Ada').repeat(9)}\n\n ${sentence('Bob')}\n${sentence('Cy').repeat(5)}`,
});

async function trained(file: RunFile, example: Example): Promise<Example | undefined> {
  const { datasets } = await truncate(file, [datasetOf({ train: [short, example] })]);
  return datasets[0]?.splits.train[1];
}

test('passages are shortened from their ends until prompt and answer fit, and nothing else is touched', async () => {
  const file = runOf(modelFolder());
  const { datasets, refused, shortened, truncation } = await truncate(file, [
    datasetOf({ train: [short, long] }),
  ]);
  const [first, second] = datasets[0]?.splits.train ?? [];
  expect(first).toBe(short);
  const { context, ...rest } = second ?? long;
  expect({ ...rest, context: long.context }).toEqual(long);
  const [ada = '', bob, cy = ''] = context?.split('\n') ?? [];
  expect(bob).toBe(sentence('Bob').trim());
  expect(sentence('Ada').repeat(9)).toContain(ada);
  expect(Math.abs(ada.length - cy.length)).toBeLessThan(10);
  const kept = tokensOf(second ?? long);
  expect(kept).toBeLessThan(WINDOW - ANSWER);
  expect(kept).toBeGreaterThan(0.9 * (WINDOW - ANSWER));
  const tokens = tokensOf(long);
  expect(shortened).toEqual(new Map([[long.id, { tokens, kept }]]));
  expect(refused).toEqual([]);
  const counts = { examples: 2, shortened: 1, refused: 0, tokensCut: tokens - kept };
  expect(truncation).toEqual({ window: WINDOW, datasets: { span: counts } });
});

test('with `tail` the end of the context goes, and with `refuse` the example', async () => {
  const base = modelFolder();
  const tail = await trained(runOf(base, { truncation: 'tail' }), long);
  expect(long.context?.startsWith(tail?.context ?? 'none')).toBe(true);
  expect(tail?.context).not.toContain('Bob');

  const file = runOf(base, { truncation: 'refuse' });
  const { datasets, refused, shortened, truncation } = await truncate(file, [
    datasetOf({ train: [short, long] }),
  ]);
  expect(datasets[0]?.splits.train).toEqual([short]);
  expect(refused).toEqual([long]);
  expect(shortened.get(long.id)).toEqual({ tokens: tokensOf(long), kept: null });
  expect(truncation?.datasets['span']).toMatchObject({ examples: 2, shortened: 0, refused: 1 });
});

test('a text to summarise is one passage, whatever its lines', async () => {
  const text = { ...long, kind: 'summarization', question: null, instruction: 'Bob' } as const;
  const kept = await trained(runOf(modelFolder()), text);
  expect(text.context?.startsWith(kept?.context ?? 'none')).toBe(true);
  expect(kept?.context).not.toContain('Bob');
});

test('what does not fit whatever is cut is left out, an instruction too, and a part of nothing else is an error', async () => {
  const file = runOf(modelFolder());
  const [command] = makeInstructions(1);
  const endless = makeExample({ kind: 'instruction', context: null, instruction: 'x'.repeat(99) });
  const asked = makeExample({ question: 'Where? '.repeat(99) });
  const rows = [command ?? short, endless, asked];
  const { datasets, refused } = await truncate(file, [datasetOf({ train: rows })]);
  expect([datasets[0]?.splits.train, refused]).toEqual([[command], [endless, asked]]);
  await expect(truncate(file, [datasetOf({ train: [short], dev: [asked] })])).rejects.toThrow(
    'dataset span: no row of dev leaves room for an answer in 100 tokens',
  );
});

test('a reference that is longer than an answer gets its room, up to half of the window, where it may be trained on', async () => {
  const file = runOf(modelFolder());
  const tokensWith = async (words: number): Promise<number> => {
    const references = [' Oslo'.repeat(words).trim()];
    return tokensOf((await trained(file, { ...long, references })) ?? short);
  };
  expect(await tokensWith(30)).toBeLessThan(WINDOW - 30);
  expect(await tokensWith(30)).toBeGreaterThan(WINDOW - 45);
  expect(await tokensWith(400)).toBeGreaterThan(WINDOW / 2 - 15);
  const tested = { ...long, references: [' Oslo'.repeat(30).trim()] };
  const { datasets } = await truncate(file, [datasetOf({ train: [short], test: [tested] })]);
  expect(tokensOf(datasets[0]?.splits.test[0] ?? short)).toBeGreaterThan(WINDOW - 30);
});

test('the window is the smallest of what servers and training take', async () => {
  const base = modelFolder();
  const window = async (changes: Partial<z.input<typeof RunFile>>): Promise<number | undefined> => {
    const { truncation } = await truncate(runOf(base, changes), [datasetOf({ train: [short] })]);
    return truncation?.window;
  };
  const { training } = makeRunFile();
  const model = { base, template: 'plain' as const };
  expect(await window({})).toBe(WINDOW);
  expect(await window({ model: { ...model, window: 80 } })).toBe(80);
  expect(await window({ model: { ...model, window: 120 } })).toBe(120);
  expect(await window({ training: { ...training, options: { maxLength: 70 } } })).toBe(70);
  const stage = { name: 'mtl', training: { options: { maxLength: 60 } } };
  expect(await window({ start: [stage] })).toBe(60);
  expect(await window({ start: [{ ...stage, rows: 'rows.jsonl' }] })).toBe(WINDOW);
  await expect(window({ sampling: { server: 'local', maxTokens: WINDOW } })).rejects.toThrow(
    'sampling.maxTokens 100 leaves no room for a prompt: the model has 100 tokens for both',
  );
});

test('from scratch, or where the model is not here, nothing is measured', async () => {
  const loaded = [datasetOf({ train: [long] })];
  for (const base of ['scratch', '/nowhere/model'])
    expect(await truncate(runOf(base), loaded)).toMatchObject({
      datasets: loaded,
      truncation: undefined,
    });
});

test('without a tokenizer.json rows that fit by their bytes do, and for others it says how to make one', async () => {
  const base = modelFolder({ 'tokenizer.json': undefined });
  const { truncation } = await truncate(runOf(base), [datasetOf({ train: [short] })]);
  expect(truncation).toMatchObject({ datasets: { span: { examples: 1, shortened: 0 } } });
  await expect(trained(runOf(base), long)).rejects.toThrow(
    /has no tokenizer\.json.*save_pretrained/,
  );
});

test('a tokenizer of Hugging Face is measured with', async () => {
  const path = new URL('../../../test/golden/tokenizers.jsonl', import.meta.url);
  const [line = ''] = readFileSync(path, 'utf8').split('\n');
  const { tokenizer } = JSON.parse(line) as { tokenizer: object };
  const file = runOf(modelFolder({ 'tokenizer.json': tokenizer }));
  const { truncation } = await truncate(file, [datasetOf({ train: [short, long] })]);
  expect(truncation?.datasets['span']).toMatchObject({ shortened: 1, refused: 0 });
});
