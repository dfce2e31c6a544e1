import * as fc from 'fast-check';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import {
  devReferences,
  mixReferences,
  readStageRows,
} from '../../agents/curator/dataset/references.ts';
import { describeDataset, MANIFEST_FILE, sealDataset } from '../../agents/curator/dataset/seal.ts';
import { byExample } from '../../agents/curator/plan/subset.ts';
import { stageRows } from '../../agents/curator/step/stage.ts';
import { DatasetManifest } from '../../shared/contract/dataset.ts';
import type { ChatTemplate } from '../../shared/contract/chat-template.ts';
import { digestOf, sha256 } from '../../shared/contract/ids.ts';
import type { TrainingRow } from '../../shared/contract/training.ts';
import { plainChat } from '../support/chat-models.ts';
import { makeExample, makeExamples, makeInstructions, makeRunFile } from '../support/run.ts';

const root = mkdtempSync(join(tmpdir(), 'curator-seal-'));
afterAll(() => rmSync(root, { recursive: true }));
const folder = (): string => mkdtempSync(join(root, 'datasets-'));

function row(dataset: string, id: string, completion = ' yes'): TrainingRow {
  return { id, dataset, turns: [{ prompt: 'Well?\n', completion }] };
}

test('a dataset is named by its manifest, and its files are those that the manifest names', async () => {
  const target = folder();
  const { digest, manifest } = await sealDataset(target, [
    row('a', '1'),
    row('a', '2'),
    row('b', '1'),
  ]);
  expect(readdirSync(target)).toEqual([digest]);
  const text = readFileSync(join(target, digest, MANIFEST_FILE), 'utf8');
  expect(DatasetManifest.parse(JSON.parse(text))).toEqual(manifest);
  expect([sha256(text), digestOf(manifest)]).toEqual([digest, digest]);
  expect(manifest).toMatchObject({ rows: 3, byDataset: { a: 2, b: 1 } });
  for (const { path, size, sha256: digestOfFile } of manifest.files) {
    const bytes = readFileSync(join(target, digest, path));
    expect([bytes.length, sha256(bytes)]).toEqual([size, digestOfFile]);
  }
});

test('the same rows are the same dataset, also when it is there already', async () => {
  const rows = [row('a', '1'), row('a', '2')];
  const [one, two] = [folder(), folder()];
  const { digest } = await sealDataset(one, rows);
  expect((await sealDataset(one, rows)).digest).toBe(digest);
  expect((await sealDataset(two, rows)).digest).toBe(digest);
  expect(readdirSync(one)).toEqual([digest]);
  expect((await sealDataset(two, [row('a', '1'), row('a', '2', ' no')])).digest).not.toBe(digest);
});

test('a dataset is described without a file as it is sealed', async () => {
  const rows = [row('a', '1'), row('a', '2'), row('b', '1')];
  const target = folder();
  expect(describeDataset(rows)).toEqual(await sealDataset(target, rows));
  expect(() => describeDataset(rows.toReversed())).toThrow(/are ordered/);
});

test('rows in equal rows out, however they fall into shards (odd-shards, n-conservation)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 600 }),
      async (ids, shardBytes) => {
        const rows = ids.map((id) => row('a', id)).sort(byExample);
        const target = folder();
        const { digest, manifest } = await sealDataset(target, rows, shardBytes);
        const read = manifest.files.flatMap(({ path }) =>
          readFileSync(join(target, digest, path), 'utf8')
            .split('\n')
            .slice(0, -1),
        );
        expect(read.map((line) => JSON.parse(line) as unknown)).toEqual(rows);
        expect(manifest.rows).toBe(rows.length);
      },
    ),
    { numRuns: 8 },
  );
});

test('rows out of order, twice or none are refused and leave nothing behind', async () => {
  const target = folder();
  await expect(sealDataset(target, [row('a', '2'), row('a', '1')])).rejects.toThrow(
    'row 1 of a follows 2 of a',
  );
  await expect(sealDataset(target, [row('a', '1'), row('a', '1')])).rejects.toThrow(
    'each is there once',
  );
  await expect(sealDataset(target, [])).rejects.toThrow('a dataset without rows cannot be sealed');
  expect(readdirSync(target)).toEqual([]);
});

test('the mix has each dataset as often as the largest, every example at least once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 1, max: 30 }),
      async (questions, commands) => {
        const parts = [
          { name: 'span', examples: makeExamples(questions) },
          { name: 'instruct', examples: makeInstructions(commands) },
        ];
        const rows = [...mixReferences(makeRunFile(), parts).rows];
        const largest = Math.max(questions, commands);
        const { manifest } = await sealDataset(folder(), rows);
        expect(manifest.byDataset).toEqual({ instruct: largest, span: largest });
        const ids = new Set(rows.map(({ id }) => id.slice(0, 32)));
        expect(ids.size).toBe(questions + commands);
      },
    ),
    { numRuns: 8 },
  );
});

test('a stage that names datasets mixes these alone, up-sampled to the largest of them', async () => {
  const parts = [
    { name: 'span', examples: makeExamples(2) },
    { name: 'short', examples: makeExamples(4, { dataset: 'short' }) },
    { name: 'instruct', examples: makeInstructions(9) },
  ];
  const datasets = parts.map(({ name }) => ({ name, kind: 'extractive_qa', train: 'x' }) as const);
  const start = [{ name: 'context', datasets: ['span', 'short'] }, { name: 'all' }];
  const file = makeRunFile({ datasets, start });
  const counts = async (step: string) => {
    const { rows } = await stageRows(file, step, () => Promise.resolve(parts));
    return (await sealDataset(folder(), rows)).manifest.byDataset;
  };
  expect(await counts('start-0')).toEqual({ span: 4, short: 4 });
  expect(await counts('start-1')).toEqual({ span: 9, short: 9, instruct: 9 });
});

test('the references of dev are each example with a reference once, in the order of a sealed dataset', async () => {
  const parts = [
    { name: 'span', examples: [...makeExamples(3), ...makeExamples(1, { references: [] })] },
    { name: 'instruct', examples: makeInstructions(2) },
  ];
  const rows = [...devReferences(makeRunFile(), parts, Infinity)];
  const { manifest } = await sealDataset(folder(), rows);
  expect(manifest.byDataset).toEqual({ instruct: 2, span: 3 });
  expect(rows.at(-1)?.turns[0]?.completion).toBe(' Oslo');

  const some = [...devReferences(makeRunFile(), parts, 2)].map(({ dataset }) => dataset);
  expect(some).toEqual(['instruct', 'instruct', 'span', 'span']);
});

test('a reference is drawn by seed, for each copy of an example anew, and rows are rendered by the template', () => {
  const example = makeExample({ references: ['Oslo', 'in Oslo', 'Oslo, Norway'] });
  const parts = [
    { name: 'span', examples: [example] },
    { name: 'instruct', examples: makeInstructions(60) },
  ];
  const draw = (seed: number): string[] =>
    [...mixReferences(makeRunFile({ seed }), parts).rows]
      .filter(({ dataset }) => dataset === 'span')
      .map(({ turns }) => turns[0]?.completion ?? '');
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
  expect(new Set(draw(1))).toEqual(new Set([' Oslo', ' in Oslo', ' Oslo, Norway']));
  const [first] = mixReferences(makeRunFile(), parts).rows;
  expect(first?.turns[0]?.prompt).toMatch(/^Say \d+\.\n$/);
});

test('examples without a reference are left out and counted; a dataset with none is refused', () => {
  const bare = makeExamples(3, { references: [] });
  const parts = [{ name: 'span', examples: [...bare, ...makeInstructions(1, 'span')] }];
  const mixed = mixReferences(makeRunFile(), parts);
  expect([[...mixed.rows].length, mixed.withoutReference]).toEqual([1, 3]);
  expect(() => mixReferences(makeRunFile(), [{ name: 'span', examples: bare }])).toThrow(
    'the train part of span has no references to start from',
  );
  expect(() => mixReferences(makeRunFile(), [])).toThrow('no dataset has a train part');
});

test('rows of a stage pass through in order, and bad ones are named', async () => {
  const target = folder();
  const write = (name: string, rows: readonly object[]): void =>
    writeFileSync(join(target, name), rows.map((one) => `${JSON.stringify(one)}\n`).join(''));
  write('one', [row('b', '1'), row('a', '2')]);
  write('two', [row('a', '1')]);
  const stage = { name: 'base', rows: ['one', 'two'], training: {} };
  const { rows } = await readStageRows(makeRunFile(), stage, target);
  expect(Array.from(rows, ({ dataset, id }) => dataset + id)).toEqual(['a1', 'a2', 'b1']);
  write('two', [row('a', '2'), { id: 'x', dataset: 'a', turns: [] }]);
  await expect(readStageRows(makeRunFile(), stage, target)).rejects.toThrow(
    /two:1: row 2 of a is at .*one:2 too[^]*two:2: turns: Too small/,
  );
});

test('rows of a stage are messages where the run chats, and one that its template cannot write is named', async () => {
  const target = folder();
  const turns = [
    { prompt: 'red?', completion: 'no' },
    { prompt: 'blue?', completion: 'yes' },
  ];
  const write = (...rows: object[]): void =>
    writeFileSync(join(target, 'rows'), rows.map((one) => `${JSON.stringify(one)}\n`).join(''));
  const read = async (chat: ChatTemplate) => {
    const file = makeRunFile({ model: { base: '/models/llama', template: 'chat', chat } });
    return [
      ...(await readStageRows(file, { name: 'base', rows: ['rows'], training: {} }, target)).rows,
    ];
  };
  write({ id: 'x', dataset: 'a', turns });
  expect(await read(plainChat)).toEqual([
    {
      id: 'x',
      dataset: 'a',
      turns: [
        { prompt: '<user>red?<assistant>', completion: 'no<end>' },
        { prompt: '\n<user>blue?<assistant>', completion: 'yes<end>' },
      ],
    },
  ]);
  const forgetful = plainChat.source.replace('m.content', "(m.content if loop.last else '…')");
  write({ id: 'x', dataset: 'a', turns: turns.slice(1) }, { id: 'y', dataset: 'a', turns });
  await expect(read({ ...plainChat, source: forgetful })).rejects.toThrow(
    /rows:2: the chat template writes other earlier turns/,
  );
});
