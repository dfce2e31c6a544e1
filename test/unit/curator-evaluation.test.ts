import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { evaluate, type EvaluatedExample } from '../../agents/curator/evaluation/scores.ts';
import { Scores } from '../../shared/contract/facts.ts';
import { EvaluationValue } from '../../shared/contract/steps.ts';
import type { Example } from '../../shared/contract/example.ts';
import type { Outcome } from '../../shared/contract/work.ts';
import { makeExamples, makeInstructions, makeRunFile } from '../support/run.ts';

const file = makeRunFile();
const checkpoint = 'c'.repeat(64);
const scored = (value: number): Outcome => ({ outcome: 'scored', value, details: {} });
const unscored = (reason: string): Outcome => ({ outcome: 'unscored', reason });

function answered(
  example: Example,
  split: 'dev' | 'test',
  verdicts: EvaluatedExample['verdicts'],
): EvaluatedExample {
  return { example, split, text: 'an answer', failure: null, verdicts };
}

/** `count` rows of a context dataset with the same two values. */
function spans(count: number, dataset: string, split: 'dev' | 'test', em: number, span: number) {
  return makeExamples(count, { dataset }).map((example) =>
    answered(example, split, { em: scored(em), span: scored(span) }),
  );
}

test('overall scores are means of dataset means, seen and unseen apart', () => {
  const datasets = ['one', 'two'].map((name) => ({
    name,
    kind: 'extractive_qa' as const,
    train: 'rows',
  }));
  const run = makeRunFile({
    datasets: [...datasets, { name: 'strange', kind: 'extractive_qa', test: 'rows' }],
  });
  const { test: scores } = evaluate(run, checkpoint, [
    ...spans(30, 'one', 'test', 1, 1),
    ...spans(10, 'two', 'test', 0, 0.5),
    ...spans(5, 'strange', 'test', 0.25, 0.25),
  ]);
  expect(scores.faithfulness.seen).toMatchObject({ n: 40, mean: 0.75 });
  expect(scores.faithfulness.unseen).toMatchObject({ n: 5, mean: 0.25 });
  expect(scores.task).toMatchObject({ n: 40, mean: 0.5 });
  expect(scores.instruction).toBeNull();
  expect(scores.datasets['two']).toMatchObject({ task: { mean: 0 }, faithfulness: { mean: 0.5 } });
  expect(scores.datasets['two']?.instruction).toBeUndefined();
  expect(Scores.safeParse(scores).success).toBe(true);
});

test('a dataset that is only shown has its own scores and enters no mean', () => {
  const kind = 'extractive_qa';
  const run = makeRunFile({
    datasets: [
      { name: 'one', kind, train: 'rows' },
      { name: 'strange', kind, test: 'rows' },
      { name: 'reworded', kind, test: 'rows', shown: true },
    ],
  });
  const { test: scores } = evaluate(run, checkpoint, [
    ...spans(2, 'one', 'test', 1, 1),
    ...spans(2, 'strange', 'test', 0.25, 0.25),
    ...spans(2, 'reworded', 'test', 0, 0),
  ]);
  expect(scores.faithfulness.unseen).toMatchObject({ n: 2, mean: 0.25 });
  expect(scores.faithfulness.seen).toMatchObject({ n: 2, mean: 1 });
  expect(scores.datasets['reworded']).toMatchObject({ faithfulness: { n: 2, mean: 0 } });
});

test('a decision gets the dev values of seen datasets only, in order', () => {
  const rows = [
    ...spans(4, 'strange', 'dev', 1, 1),
    ...spans(3, 'span', 'test', 1, 1),
    ...spans(2, 'span', 'dev', 1, 0),
    ...makeInstructions(2).map((example) => answered(example, 'dev', { rules: scored(0.5) })),
  ];
  const { values } = evaluate(file, checkpoint, rows);
  for (const value of values) expect(EvaluationValue.safeParse(value).success).toBe(true);
  expect(values.map(({ dataset, axis, value }) => `${dataset} ${axis} ${value}`)).toEqual([
    'instruct instruction 0.5',
    'instruct instruction 0.5',
    'span task 1',
    'span faithfulness 0',
    'span task 1',
    'span faithfulness 0',
  ]);
  expect(evaluate(file, checkpoint, rows.toReversed())).toEqual(evaluate(file, checkpoint, rows));
});

test('a failure is not a number: it is left out of its axis, counted, and leaves the other axis alone', () => {
  const [one, two, three, four] = makeExamples(4);
  if (one === undefined || two === undefined || three === undefined || four === undefined)
    throw new Error('no examples');
  const { dev, candidates } = evaluate(file, checkpoint, [
    answered(one, 'dev', { em: scored(1), span: scored(0.5) }),
    answered(two, 'dev', { em: scored(0), span: unscored('timed out') }),
    answered(three, 'dev', { em: scored(1) }),
    { example: four, split: 'dev', text: null, failure: 'sampling: HTTP 500', verdicts: {} },
  ]);
  expect(dev.faithfulness.seen).toMatchObject({ n: 1, mean: 0.5 });
  expect(dev.task).toMatchObject({ n: 3, mean: 2 / 3 });
  expect(candidates).toEqual({
    planned: 4,
    scored: 1,
    certain: 0,
    unscored: { 'span: timed out': 1, 'span: no verdict': 1, 'sampling: HTTP 500': 1 },
  });
});

test('without any data an axis is null, never 0', () => {
  const { dev, test: scores, values } = evaluate(file, checkpoint, []);
  const none = {
    faithfulness: { seen: null, unseen: null },
    instruction: null,
    task: null,
    datasets: {},
  };
  expect([dev, scores, values]).toEqual([none, none, []]);
});

test('instruction test sets without a train part are reported where no seen set has such rows', () => {
  const datasets = [
    { name: 'instruct', kind: 'instruction' as const, train: 'rows' },
    { name: 'koala', kind: 'instruction' as const, test: 'rows' },
  ];
  const run = makeRunFile({ datasets });
  const rows = (dataset: string, value: number): EvaluatedExample[] =>
    makeInstructions(3, dataset).map((example) =>
      answered(example, 'test', { rules: scored(value) }),
    );
  const unseenOnly = evaluate(run, checkpoint, rows('koala', 0.5)).test;
  expect(unseenOnly.instruction).toMatchObject({ n: 3, mean: 0.5 });
  const both = evaluate(run, checkpoint, [...rows('koala', 0.5), ...rows('instruct', 1)]).test;
  expect(both.instruction).toMatchObject({ n: 3, mean: 1 });
});

test('an axis that no judge of the run measures is not missing', () => {
  const judges = [{ name: 'span', axis: 'faithfulness' as const, type: 'span-coverage' }];
  const rows = makeExamples(2).map((example) => answered(example, 'dev', { span: scored(1) }));
  const { candidates, dev } = evaluate(makeRunFile({ judges }), checkpoint, rows);
  expect(candidates).toEqual({ planned: 2, scored: 2, certain: 0, unscored: {} });
  expect(dev.task).toBeNull();
});

test('an evaluation is named by checkpoint, judges and values', () => {
  const rows = spans(3, 'span', 'dev', 1, 1);
  const { digest } = evaluate(file, checkpoint, rows);
  expect(evaluate(file, checkpoint, rows).digest).toBe(digest);
  expect(evaluate(file, 'd'.repeat(64), rows).digest).not.toBe(digest);
  expect(evaluate(file, checkpoint, spans(3, 'span', 'dev', 1, 0)).digest).not.toBe(digest);
});

test('bounds hold the mean, and planned = scored + unscored for any verdicts', () => {
  const outcome = fc.oneof(
    fc.double({ min: 0, max: 1, noNaN: true }).map(scored),
    fc.constantFrom('timed out', 'refused').map(unscored),
  );
  const row = fc.record({ em: outcome, span: outcome });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 20 }), (verdicts) => {
      const examples = makeExamples(verdicts.length);
      const rows = examples.map((example, index) =>
        answered(example, 'dev', verdicts[index] ?? {}),
      );
      const { candidates, dev } = evaluate(file, checkpoint, rows);
      const lost = Object.values(candidates.unscored).reduce((sum, times) => sum + times, 0);
      expect(candidates.planned).toBe(candidates.scored + lost);
      expect(candidates.planned).toBe(rows.length);
      const seen = dev.faithfulness.seen;
      if (seen === null) return;
      expect(seen.lower).toBeLessThanOrEqual(seen.mean + 1e-9);
      expect(seen.upper).toBeGreaterThanOrEqual(seen.mean - 1e-9);
    }),
    { numRuns: 40 },
  );
});

test('a held-out judge is shown by dataset, enters no score, and its failure counts as one', () => {
  const watch = { name: 'watch', axis: 'faithfulness', type: 'span-coverage', heldOut: true };
  const watched = makeRunFile({ judges: [...file.judges, watch as (typeof file.judges)[number]] });
  const rows = spans(4, 'span', 'dev', 1, 1).map((row, index) => ({
    ...row,
    verdicts: { ...row.verdicts, watch: index < 3 ? scored(0) : unscored('timed out') },
  }));
  const plain = evaluate(file, checkpoint, rows);
  const { dev, values, candidates } = evaluate(watched, checkpoint, rows);
  expect(dev.heldOut).toMatchObject({ watch: { span: { n: 3, mean: 0 } } });
  expect({ ...dev, heldOut: undefined }).toEqual(plain.dev);
  expect(plain.dev.heldOut).toBeUndefined();
  expect(values).toEqual(plain.values);
  expect(candidates).toMatchObject({ scored: 3, certain: 0, unscored: { 'watch: timed out': 1 } });
  expect(Scores.safeParse(dev).success).toBe(true);
});
