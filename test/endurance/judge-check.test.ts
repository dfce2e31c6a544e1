import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { Measured } from '../../agents/judges/check/measure.ts';
import { readChecks } from '../../coordinator/cli/report/checks.ts';
import { LabelledRow } from '../../agents/judges/check/rows.ts';
import { defaultHabits } from '../../deploy/demo/world/habits.ts';
import { testSetsOf } from '../../deploy/demo/world/test-sets.ts';
import { readTestRows } from '../../deploy/demo/world/truth.ts';
import { writeWorld } from '../../deploy/demo/world/write.ts';
import type { Answer } from '../../shared/contract/steps.ts';
import { runCli } from '../support/cli.ts';
import { makeRunFile } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const example = fileURLToPath(new URL('../../../deploy/demo/scorers/length.mjs', import.meta.url));

const run = promisify(execFile);
const answerLabeller = fileURLToPath(
  new URL('../../deploy/demo/world/label-answers.js', import.meta.url),
);
const labeller = fileURLToPath(new URL('../../deploy/demo/world/labelled.js', import.meta.url));

const context =
  'The ferry to Port Arden was built in 1987. It carries 240 passengers. Captain Lena Moss has steered it since 2011.';
/** Three answers that the context says, three that it does not, and one half and half. */
const labelled = [
  ['It carries 240 passengers.', 1],
  ['The ferry to Port Arden was built in 1987.', 1],
  ['Captain Lena Moss has steered it since 2011.', 1],
  ['It carries 240 passengers. The crew is friendly.', 0.5],
  ['It carries 900 passengers.', 0],
  ['The ferry to Port Arden was built of oak.', 0],
  ['Captain Hugo Lamb has steered it since 2011.', 0],
].map(([answer, label]) => ({
  context,
  answer,
  label,
  trueElsewhere: 'The ferry to Port Arden was painted blue.',
}));

async function withRows(rows: readonly unknown[]) {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'labelled.jsonl');
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return { path, folder, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

test('judges that look at the context agree with the labels and see every planted error', async () => {
  await using file = await withRows(labelled);
  for (const [type, spearman] of [
    ['span-coverage', Math.sqrt(7 / 8)],
    ['summac-zs', Math.sqrt(12 / 13)],
  ] as const) {
    const { code, output, errors } = await runCli(
      'judge',
      'check',
      type,
      '--rows',
      file.path,
      '--json',
    );
    expect([code, errors]).toEqual([0, '']);
    const measured = JSON.parse(output) as Measured & { judge: string; fingerprint: string };
    expect(measured).toMatchObject({ judge: type, bad: 0, reasons: [] });
    expect(measured.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    const { people, planted } = measured;
    expect(people.spearman.n).toBe(7);
    expect(people.spearman.value).toBeCloseTo(spearman, 2);
    expect(people.auroc).toMatchObject({ n: 7, value: 1 });
    const higher = Object.fromEntries(planted.map((count) => [count.planting, count.share]));
    expect(higher).toEqual({
      'wrong name': 1,
      'wrong number': 1,
      negation: 1,
      'empty answer': 1,
      'whole context': 0,
      'true elsewhere': 1,
    });
  }
});

test('what was measured is kept for reports where that is asked for, and the last check counts', async () => {
  await using file = await withRows(labelled);
  const state = join(file.folder.path, 'state');
  const judge = { name: 'span', axis: 'faithfulness', type: 'span-coverage' } as const;
  expect(readChecks(state, [judge])).toMatchObject([{ judge: 'span', check: null }]);
  const check = ['judge', 'check', 'span-coverage', '--save', '--state', state];
  expect(await runCli(...check)).toMatchObject({ code: 0 });
  expect(readChecks(state, [judge])).toMatchObject([{ check: { rows: null, labelledBy: null } }]);
  expect(await runCli(...check, '--rows', file.path)).toMatchObject({ code: 0 });
  const other = { ...judge, reading: 'squad-words' };
  expect(readChecks(state, [judge, other])).toMatchObject([
    { check: { rows: 'labelled.jsonl', labelledBy: 'people', auroc: { n: 7, value: 1 } } },
    { check: null },
  ]);
  const given = ['judge', 'check', 'summac-zs', '--set', 'nli=./model', '--save'];
  const { code, errors } = await runCli(...given, '--state', state);
  expect([code, errors]).toEqual([1, expect.stringContaining('put the NLI model into a profile')]);
});

test("a user's own scorer is checked like any other, and one that measures length is found out", async () => {
  await using file = await withRows(labelled);
  const profiles = join(file.folder.path, 'profiles.json');
  const scorers = { mine: { command: [process.execPath, example] } };
  await writeFile(profiles, JSON.stringify({ scorers }));
  const { code, output } = await runCli(
    'judge',
    'check',
    'command',
    '--set',
    'scorer=mine',
    '--profiles',
    profiles,
    '--rows',
    file.path,
  );
  expect(code).toBe(0);
  expect(output).toMatch(/Spearman with the labels +│ none/);
  expect(output).toMatch(/supported above wrong name +│ 0\.00 +│ 0\.00 to 0\.35 │ 7/);
  expect(output).toContain('unscored 7 times: the answer is empty');
});

test('the oracle of a world can label what its annotators wrote, and the judge is checked by it', async () => {
  await using folder = await temporaryFolder();
  const world = join(folder.path, 'world');
  await writeWorld(world, { seed: 5, size: 'drill', habits: defaultHabits, vocabulary: 0 });
  const { stdout } = await run(process.execPath, [labeller, world, 'sum']);
  const path = join(folder.path, 'labelled.jsonl');
  await writeFile(path, stdout);
  const { code, output } = await runCli('judge', 'check', 'summac-zs', '--rows', path, '--json');
  expect(code).toBe(0);
  const { people, planted } = JSON.parse(output) as Measured;
  const elsewhere = planted.find(({ planting }) => planting === 'true elsewhere');
  expect(elsewhere?.n).toBeGreaterThan(100);
  expect(elsewhere?.share).toBeGreaterThan(0.95);
  expect(people.auroc.n).toBe(stdout.trim().split('\n').length);
  // Habits make some answers unfaithful, else there would be no value.
  expect(people.auroc.value).toBeGreaterThan(0.95);
  await expect(run(process.execPath, [labeller, world, 'instruct'])).rejects.toThrow(
    'name the folder of a world, and span, abs or sum',
  );
});

test("the oracle can label a run's own answers to test rows, of the datasets that are named", async () => {
  await using folder = await temporaryFolder();
  const world = join(folder.path, 'world');
  await writeWorld(world, { seed: 5, size: 'drill', habits: defaultHabits, vocabulary: 0 });
  const datasets = (['abs', 'sum'] as const).map((name) => ({
    name,
    kind: name === 'abs' ? ('abstractive_qa' as const) : ('summarization' as const),
    train: `world/${name}.train.jsonl`,
    test: `world/${name}.test.jsonl`,
  }));
  const file = join(folder.path, 'reset.yaml');
  await writeFile(file, JSON.stringify(makeRunFile({ datasets })));
  const rows = await readTestRows(testSetsOf(makeRunFile({ datasets }), folder.path));
  const lines = [...rows].map(([example, { kind, context, references }], at): Answer => {
    const dataset = kind === 'summarization' ? 'sum' : 'abs';
    const [gold = ''] = references;
    const text = at % 2 === 0 ? gold : at % 3 === 0 ? null : `${context} More.`;
    return { dataset, split: 'test', example, text, gold, values: {} };
  });
  const label = async (...names: string[]) => {
    const child = run(process.execPath, [answerLabeller, file, ...names]);
    child.child.stdin?.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const { stdout } = await child;
    return stdout
      .trim()
      .split('\n')
      .map((line) => LabelledRow.parse(JSON.parse(line)));
  };
  const labelledAnswers = await label('abs', 'sum');
  expect(labelledAnswers).toHaveLength(lines.filter(({ text }) => text !== null).length);
  for (const { row, labelled: given } of labelledAnswers) {
    const isGold = given?.answer === row.references[0];
    if (isGold) expect(given?.label).toBe(1);
    else expect(given?.label).toBeLessThan(1);
  }
  expect((await label('sum')).length).toBeLessThan(labelledAnswers.length);
  await expect(label('smu')).rejects.toThrow('the nearest known one is "sum"');
});

test('without rows the built-in passages are planted into', async () => {
  const { code, output } = await runCli('judge', 'check', 'span-coverage');
  expect(code).toBe(0);
  expect(output).toMatch(/Spearman with the labels +│ none/);
  expect(output).toMatch(/supported above negation +│ 1\.00 +│ 0\.76 to 1\.00 │ 12/);
});

test('a judge that cannot be made, and one that scores nothing, end with 1 and say why', async () => {
  for (const [args, message] of [
    [['sumac-zs'], 'unknown judge type "sumac-zs", the nearest known one is "summac-zs"'],
    [['span-coverage', '--set', 'raeding=x'], 'the nearest known one is "reading"'],
    [['command', '--set', 'scorer=mine'], 'unknown scorer "mine": there are none here'],
    [['exact-match'], 'scored nothing here: the row has no reference'],
    [['span-coverage', '--rows', 'no-such-file'], 'cannot read no-such-file'],
  ] as const) {
    const { code, errors } = await runCli('judge', 'check', ...args);
    expect(code, message).toBe(1);
    expect(errors).toContain(message);
  }
});

test('a bad row is named by file and line, and the others are measured', async () => {
  await using file = await withRows([...labelled, { context, label: 1 }]);
  const { code, output, errors } = await runCli(
    'judge',
    'check',
    'span-coverage',
    '--rows',
    file.path,
    '--json',
  );
  expect(code).toBe(2);
  expect(errors).toContain(`${file.path}:8: label: there is no answer beside it`);
  expect(JSON.parse(output)).toMatchObject({ bad: 1, people: { spearman: { n: 7 } } });
});
