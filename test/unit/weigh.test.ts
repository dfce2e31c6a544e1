import { expect, test } from 'vitest';
import type { JudgeSpec } from '../../shared/contract/run-file.ts';
import type { Outcome } from '../../shared/contract/work.ts';
import { judgesAsked, judgesOf, weigh } from '../../shared/scoring/weigh.ts';

const judges: JudgeSpec[] = [
  { name: 'rules', axis: 'instruction', type: 'verifiable' },
  { name: 'span', axis: 'faithfulness', type: 'span-coverage' },
  { name: 'summac', axis: 'faithfulness', type: 'summac-zs' },
  { name: 'em', axis: 'task', type: 'exact-match' },
  { name: 'rouge', axis: 'task', type: 'rouge' },
];
const weights = { task: 1, instruction: 2, faithfulness: 2 };
const scored = (value: number): Outcome => ({ outcome: 'scored', value, details: {} });
const unscored = (reason: string): Outcome => ({ outcome: 'unscored', reason });

test('a context row counts task once and faithfulness twice', () => {
  const weighed = weigh('extractive_qa', judges, weights, { em: scored(0.5), span: scored(1) });
  expect(weighed.score).toBe(2.5);
  expect(weighed.reason).toBeNull();
  expect(weighed.arithmetic).toBe('1 * task 0.5 + 2 * faithfulness 1 = 2.5');
});

test('task and faithfulness do not apply to an instruction row, which is not the same as unscored', () => {
  const weighed = weigh('instruction', judges, weights, { rules: scored(0.75) });
  expect(weighed.score).toBe(1.5);
  expect(weighed.terms.map(({ axis }) => axis)).toEqual(['instruction']);
});

test('each kind of dataset is measured by the judges that the paper names for it', () => {
  const names = (kind: Parameters<typeof judgesOf>[0]) =>
    judgesOf(kind, judges).map(({ name }) => name);
  expect(names('instruction')).toEqual(['rules']);
  expect(names('extractive_qa')).toEqual(['span', 'em']);
  expect(names('abstractive_qa')).toEqual(['summac', 'rouge']);
  expect(names('summarization')).toEqual(['summac', 'rouge']);
});

test('a missing or unscored verdict leaves no score and says which', () => {
  const weighed = weigh('extractive_qa', judges, weights, { span: unscored('timed out') });
  expect(weighed.score).toBeNull();
  expect(weighed.reason).toBe('em: no verdict; span: timed out');
  expect(weighed.arithmetic).toBe(
    '1 * task ? + 2 * faithfulness ? = no score: em: no verdict; span: timed out',
  );
});

test('an axis that no judge measures leaves no score', () => {
  const weighed = weigh('extractive_qa', judges.slice(0, 2), weights, { span: scored(1) });
  expect(weighed).toMatchObject({ score: null, reason: 'no judge measures task' });
});

test('an axis of weight 0 needs no verdict', () => {
  const faithfulOnly = { ...weights, task: 0 };
  expect(weigh('extractive_qa', judges, faithfulOnly, { span: scored(1) }).score).toBe(2);
});

test('two judges of one axis count by their mean, and both are needed', () => {
  const two = [...judges, { name: 'words', axis: 'faithfulness', type: 'http' } as const];
  const verdicts = { em: scored(1), span: scored(1), words: scored(0.5) };
  expect(weigh('extractive_qa', two, weights, verdicts).score).toBe(2.5);
  expect(
    weigh('extractive_qa', two, weights, { ...verdicts, words: unscored('refused') }).score,
  ).toBeNull();
});

test('a judge without a weight is asked about evaluation rows, not about train rows', () => {
  const weights = { task: 1, instruction: 2, faithfulness: 0 };
  const asked = (split: 'train' | 'dev' | 'test') =>
    judgesAsked('extractive_qa', split, { judges, score: weights }).map(({ axis }) => axis);
  expect(asked('train')).not.toContain('faithfulness');
  expect(asked('dev')).toContain('faithfulness');
  expect(asked('test')).toEqual(asked('dev'));
});

test('a held-out judge is asked about the answers of evaluations, and weighs nothing', () => {
  const watch = {
    name: 'watch',
    axis: 'faithfulness',
    type: 'span-coverage',
    heldOut: true,
  } as const;
  const score = { task: 1, instruction: 2, faithfulness: 2 };
  const asked = (split: 'train' | 'dev' | 'test') =>
    judgesAsked('extractive_qa', split, { judges: [...judges, watch], score }).map(
      ({ name }) => name,
    );
  expect(asked('train')).not.toContain('watch');
  expect(asked('dev')).toEqual([...asked('train'), 'watch']);
  expect(asked('test')).toEqual(asked('dev'));
  expect(judgesOf('extractive_qa', [watch])).toEqual([]);
  expect(judgesAsked('summarization', 'dev', { judges: [watch], score })).toEqual([]);
});
