import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultHabits } from '../../deploy/demo/world/habits.ts';
import { type TestSet, testSetsOf } from '../../deploy/demo/world/test-sets.ts';
import { readTruth, type Truth } from '../../deploy/demo/world/truth.ts';
import { writeWorld } from '../../deploy/demo/world/write.ts';
import { Row } from '../../shared/contract/example.ts';
import { exampleId } from '../../shared/contract/ids.ts';
import { makeRunFile } from '../support/run.ts';

const kinds = { span: 'extractive_qa', abs: 'abstractive_qa', instruct: 'instruction' } as const;
let folder: string;
let sets: TestSet[];
let truth: Truth;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'truth-'));
  const options = { seed: 5, size: 'drill', habits: defaultHabits, vocabulary: 3 } as const;
  await writeWorld(join(folder, 'world'), options);
  const datasets = Object.entries(kinds).map(([name, kind]) => ({
    name,
    kind,
    train: `world/${name}.train.jsonl`,
    test: `world/${name}.test.jsonl`,
  }));
  sets = testSetsOf(makeRunFile({ datasets }), folder);
  truth = await readTruth(join(folder, 'world'), sets);
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** The first test row of a dataset by the id that the ledger knows it by, with a clean reference. */
async function firstRow(name: keyof typeof kinds): Promise<{ id: string; reference: string }> {
  const [line = ''] = (await readFile(join(folder, 'world', `${name}.test.jsonl`), 'utf8')).split(
    '\n',
  );
  const {
    instruction = null,
    context = null,
    question = null,
    ...row
  } = Row.parse(JSON.parse(line));
  const { references, constraints } = row;
  const fields = { dataset: name, instruction, context, question, references, constraints };
  return { id: exampleId(fields), reference: references[0] ?? '' };
}

test.each(['span', 'abs'] as const)(
  'of %s the oracle tells a fact from what is not',
  async (name) => {
    const { id, reference } = await firstRow(name);
    expect(truth(id, reference)).toBe(1);
    expect(truth(id, 'nothing of the kind .')).toBe(0);
  },
);

test('of an instruction, or a row that it does not know, the oracle says nothing', async () => {
  const { id, reference } = await firstRow('instruct');
  expect(truth(id, reference)).toBeNull();
  expect(truth('0'.repeat(32), 'anything')).toBeNull();
});

test('the test sets are seen, unseen, or only shown', () => {
  const test = 'rows.jsonl';
  const datasets = [
    { name: 'span', kind: 'extractive_qa' as const, train: test, test },
    { name: 'span-unseen', kind: 'extractive_qa' as const, test },
    { name: 'span-wording', kind: 'extractive_qa' as const, test, shown: true as const },
    { name: 'extra', kind: 'extractive_qa' as const, train: test },
  ];
  const found = testSetsOf(makeRunFile({ datasets }), '/world');
  expect(found.map(({ place }) => place)).toEqual(['seen', 'unseen', 'shown']);
  expect(found[0]?.files).toEqual(['/world/rows.jsonl']);
});
