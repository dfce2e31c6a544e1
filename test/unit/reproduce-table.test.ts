import { describe, expect, test } from 'vitest';
import { markdownOf } from '../../deploy/demo/reproduce/markdown.ts';
import type { RunName } from '../../deploy/demo/reproduce/plan.ts';
import { type RowName, rows } from '../../deploy/demo/reproduce/rows.ts';
import {
  differenceOf,
  estimateOf,
  type Measure,
  type Part,
} from '../../deploy/demo/reproduce/scores.ts';
import { type Settings, tableOf } from '../../deploy/demo/reproduce/table.ts';
import {
  comparisonsOf,
  findingsOf,
  forgettingOf,
  type ScoresByRow,
} from '../../deploy/demo/reproduce/targets.ts';
import type { TestSet } from '../../deploy/demo/world/test-sets.ts';
import { defaultHabits } from '../../deploy/demo/world/habits.ts';
import type { Fact } from '../../shared/contract/facts.ts';
import { wholeJournal } from '../support/journal.ts';

const span: TestSet = { name: 'span', kind: 'extractive_qa', place: 'seen', files: [] };
const abs: TestSet = { name: 'abs', kind: 'abstractive_qa', place: 'seen', files: [] };
const unseen: TestSet = { name: 'span-unseen', kind: 'extractive_qa', place: 'unseen', files: [] };
const wording: TestSet = { name: 'span-wording', kind: 'extractive_qa', place: 'shown', files: [] };
const instruct: TestSet = { name: 'instruct', kind: 'instruction', place: 'seen', files: [] };

function part(dataset: TestSet, measure: Measure, values: readonly number[], seed = 1): Part {
  return { seed, dataset, measure, examples: values.map((_, at) => `e${at}`), values };
}

/** A row whose every value is the same: `faithfulness` by default everywhere. */
function flat(faithfulness: number, oracle = faithfulness, instruction = 0.8, exact = 0.7): Part[] {
  const of = (value: number) => [value, value];
  return [
    ...[span, abs, unseen, wording].flatMap((set) => [
      part(set, 'faithfulness', of(faithfulness)),
      part(set, 'oracle', of(oracle)),
    ]),
    part(span, 'task', of(exact)),
    part(instruct, 'instruction', of(instruction)),
  ];
}

/** All rows flat at 0.5 but for those given. */
function scoresWith(given: Partial<Record<RowName, Part[]>>): ScoresByRow {
  const plain = Object.fromEntries(rows.map(({ row }) => [row, flat(0.5)]));
  return { ...plain, ...given } as ScoresByRow;
}

function metOf(scores: ScoresByRow, what: string, column: string): boolean | null | undefined {
  return findingsOf(scores, comparisonsOf.tinylm).find(
    (one) => one.what === what && one.column === column,
  )?.met;
}

describe('a column', () => {
  test('is the mean over seeds of the mean over datasets, whatever their sizes', () => {
    const parts = [
      part(span, 'faithfulness', [1, 1, 1, 1]),
      part(abs, 'faithfulness', [0]),
      part(span, 'faithfulness', [0.2], 2),
      part(abs, 'faithfulness', [0.4, 0.4], 2),
    ];
    expect(estimateOf(parts, 'faithfulness seen')?.mean).toBeCloseTo((0.5 + 0.3) / 2, 12);
    expect(estimateOf(parts, 'extractive')?.mean).toBeCloseTo(0.6, 12);
    expect(estimateOf(parts, 'abstractive')?.mean).toBeCloseTo(0.2, 12);
  });

  test('keeps sets that only change the wording out of every other mean', () => {
    const parts = [part(unseen, 'faithfulness', [0.4]), part(wording, 'faithfulness', [0])];
    expect(estimateOf(parts, 'faithfulness unseen')?.mean).toBe(0.4);
    expect(estimateOf(parts, 'extractive')?.mean).toBe(0.4);
    expect(estimateOf(parts, 'new wordings')?.mean).toBe(0);
  });

  test('without a value is null, never a number', () => {
    expect(estimateOf([part(span, 'task', [])], 'task')).toBeNull();
    expect(differenceOf([], [part(span, 'task', [1])], 'task')).toBeNull();
  });

  test('is compared on the rows that both sides have a value for', () => {
    const before = { ...part(span, 'task', [0, 1]), examples: ['a', 'b'] };
    const after = { ...part(span, 'task', [1, 0]), examples: ['b', 'c'] };
    expect(differenceOf([before], [after], 'task')).toEqual({ mean: 0, lower: 0, upper: 0 });
  });

  test('has bounds that shrink where a difference is the same in every row', () => {
    const before = part(span, 'task', [0, 0.5, 1]);
    const after = part(span, 'task', [0.1, 0.6, 1.1]);
    const difference = differenceOf([before], [after], 'task');
    expect(difference?.mean).toBeCloseTo(0.1, 12);
    expect((difference?.upper ?? 1) - (difference?.lower ?? 0)).toBeLessThan(1e-9);
    expect(estimateOf([before], 'task')).not.toMatchObject({ lower: 0.5, upper: 0.5 });
  });
});

describe('a target', () => {
  test.each([
    [0.61, true],
    [0.59, false],
  ])('of ten points is judged on the mean: MTL at 0.5, RESET at %d', (faithfulness, met) => {
    const scores = scoresWith({ 'mtl-reset': flat(faithfulness) });
    expect(metOf(scores, 'MTL+RESET − MTL', 'faithfulness seen')).toBe(met);
    expect(metOf(scores, 'MTL+RESET − MTL', 'faithfulness unseen')).toBe(met);
  });

  test('above the control counts what the control gains', () => {
    const scores = scoresWith({ 'mtl-reset': flat(0.65), random: flat(0.6) });
    expect(metOf(scores, 'MTL+RESET − random control', 'faithfulness seen')).toBe(false);
  });

  test('asks the oracle for most of what the judges see', () => {
    const what = 'oracle: MTL+RESET − MTL';
    const with_ = (oracle: number) => scoresWith({ 'mtl-reset': flat(0.7, oracle) });
    expect(metOf(with_(0.65), what, 'faithfulness seen')).toBe(true);
    expect(metOf(with_(0.55), what, 'faithfulness seen')).toBe(false);
  });

  test('on instructions needs the lower bound too', () => {
    const start = [part(instruct, 'instruction', [0, 1, 0, 1, 0, 1, 0, 1])];
    const swapped = [part(instruct, 'instruction', [1, 0, 1, 0, 1, 0, 1, 0])];
    const scores = scoresWith({ mtl: start, 'mtl-reset': swapped });
    expect(metOf(scores, 'MTL+RESET − MTL', 'instruction')).toBe(false);
    expect(metOf(scoresWith({}), 'MTL+RESET − MTL', 'instruction')).toBe(true);
  });

  test('of a control and of the clean world is an upper limit', () => {
    const scores = scoresWith({ 'weights-0': flat(0.54), 'clean-reset': flat(0.52) });
    expect(metOf(scores, 'weights 0 − MTL', 'faithfulness seen')).toBe(false);
    expect(metOf(scores, 'clean world: MTL+RESET − MTL', 'faithfulness seen')).toBe(true);
  });

  test('of the two-stage study is a fall', () => {
    const scores = scoresWith({ cd: flat(0.8), 'cd-if': flat(0.6), context: flat(0.5, 0.5, 0.75) });
    expect(metOf(scores, 'CD→IF − CD', 'faithfulness seen')).toBe(true);
    expect(metOf(scores, 'IF→CD − IF', 'instruction')).toBe(false);
  });

  test('that was not measured is neither met nor missed, and what is only shown has none', () => {
    const scores = scoresWith({ 'mtl-reset': [] });
    expect(metOf(scores, 'MTL+RESET − MTL', 'faithfulness seen')).toBeNull();
    expect(metOf(scoresWith({}), 'MTL+RESET-S − MTL', 'faithfulness seen')).toBeNull();
  });
});

test('exact match under half of what it was is called forgetting', () => {
  const exact = (value: number) => flat(0.5, 0.5, 0.8, value);
  const of = (after: number) =>
    forgettingOf(scoresWith({ cd: exact(0.7), 'cd-if': exact(after) }))[0];
  expect(of(0.34)).toEqual({
    pipeline: 'CD→IF',
    exactMatch: { before: 0.7, after: 0.34 },
    mostlyForgetting: true,
  });
  expect(of(0.36)?.mostlyForgetting).toBe(false);
});

describe('the table', () => {
  const settings: Settings = {
    engine: 'tinylm',
    seeds: [1],
    size: 'full',
    habits: defaultHabits,
    vocabulary: 0,
  };
  const finished = (other: readonly Fact[] = wholeJournal) => {
    const journals = new Map<RunName, readonly Fact[]>(rows.map(({ run }) => [run, wholeJournal]));
    return new Map([[1, journals.set('reset-without-mtl', other)]]);
  };
  const scores = scoresWith({
    'mtl-reset': flat(0.7, 0.69),
    'cd-if': flat(0.3, 0.3, 0.8, 0.1),
  });

  const table = tableOf(settings, finished(), scores, 0.03);

  test('has every row with the checkpoint that it is, and no clock or path', () => {
    expect(table.rows.map(({ row }) => row)).toEqual(rows.map(({ row }) => row));
    const round = (row: RowName) =>
      table.rows.find((one) => one.row === row)?.checkpoints.map((one) => one.round);
    expect([round('mtl'), round('mtl-reset'), round('random-last')]).toEqual([[0], [2], [3]]);
    expect(JSON.stringify(table)).not.toMatch(/[a-z]\/[a-z]|seconds/);
  });

  test('as Markdown shows scores with the oracle, targets with their verdict, and what was forgotten', () => {
    const text = markdownOf(table);
    expect(text).toContain('| **MTL+RESET** | 0.700 ±0.000 (0.690) |');
    expect(text).toContain(
      '| MTL+RESET − MTL | faithfulness seen | +0.200 [+0.200, +0.200] | +0.190 | ≥ +0.1 | met |',
    );
    expect(text).toContain('| ≤ −0.1 | **not met** |');
    expect(text).toContain('CD→IF: exact match 0.700 → 0.100: mostly forgetting.');
    expect(text).not.toContain('was not trained on the dataset');
  });

  test('tells where RESET without MTL had other data than MTL+RESET', () => {
    const other = wholeJournal.map((fact) =>
      fact.fact === 'dataset.sealed' ? { ...fact, dataset: 'f'.repeat(64) } : fact,
    );
    const differs = tableOf(settings, finished(other), scoresWith({}), 0.03);
    expect(differs.otherData).toEqual([1]);
    expect(markdownOf(differs)).toContain(
      'Seed 1: RESET without MTL was not trained on the dataset',
    );
  });
});

test('an engine that carried out RESET and its control has their rows and targets alone', () => {
  const settings: Settings = {
    engine: 'deepspeed',
    seeds: [101],
    size: 'full',
    habits: defaultHabits,
    vocabulary: 0,
  };
  const ran = new Map<RunName, readonly Fact[]>([
    ['mtl', wholeJournal],
    ['random', wholeJournal],
  ]);
  const scores = scoresWith({ 'mtl-reset': flat(0.56), cd: [], 'zero-shot': [] });
  const table = tableOf(settings, new Map([[101, ran]]), scores, 0.03);
  expect(new Set(table.rows.map(({ row }) => row))).toEqual(
    new Set(['mtl', 'mtl-reset-1', 'mtl-reset', 'random', 'random-last']),
  );
  const judged = table.findings.filter(({ met }) => met !== null);
  expect(judged.map(({ what }) => what)).toContain('MTL+RESET − random control');
  expect(judged.every(({ met }) => met)).toBe(true);
  expect([table.forgetting, table.otherData]).toEqual([[], []]);
  expect(markdownOf(table)).toContain('Seed 101 (deepspeed)');
});
