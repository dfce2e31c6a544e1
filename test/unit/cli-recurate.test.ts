import { expect, test } from 'vitest';
import { describe, readChanges } from '../../coordinator/cli/recurate.ts';
import type { Recuration } from '../../shared/contract/recuration.ts';

test('weights and keys of select are read from the command line', () => {
  const changes = readChanges({
    weights: 'task=0, faithfulness=2.5',
    select: '{ ties: majority, minScore: 2 }',
    out: 'there',
  });
  expect(changes).toEqual({
    weights: { task: 0, faithfulness: 2.5 },
    select: { ties: 'majority', minScore: 2 },
    files: true,
  });
});

test.each([
  ['task', '{}', /--weights: "task" is not axis=number/],
  ['task=much', '{}', /"task=much" is not axis=number/],
  ['task=1,', '{}', /--weights: "" is not/],
  ['taks=1', '{}', /unknown key "taks", the nearest known one is "task"/],
  ['task=1', '{', /--select: /],
  ['task=1', 'majority', /cannot recurate: select/],
])('"%s" with "%s" is refused with the place and the fix', (weights, select, words) => {
  expect(() => readChanges({ weights, select })).toThrow(words);
});

const figures: Recuration = {
  step: 'r1',
  weights: { task: 1, instruction: 2, faithfulness: 0 },
  select: { policy: 'best', ties: 'first' },
  dataset: 'b'.repeat(64),
  emptied: [],
  rows: 3,
  byDataset: { span: { planned: 4, kept: 3, excluded: { duplicate: 1 } } },
  candidates: { planned: 28, scored: 26, certain: 0, unscored: { 'em: timed out': 2 } },
  ties: 1,
  duplicates: 1,
  cells: {},
  unjudged: [],
  trained: { dataset: 'a'.repeat(64), rows: 4 },
  difference: { span: { same: 2, changed: 1, added: 0, removed: 1 } },
  shown: [{ dataset: 'span', row: '3f9a', before: ' Oslo', after: null }],
};

test('the figures are told with what is unscored and the first differences', () => {
  const text = describe('demo', figures);
  expect(text).toContain('selected by 1 * task + 2 * instruction + 0 * faithfulness');
  expect(text).toContain('2 of 28 candidates: em: timed out');
  expect(text).toContain('span 3f9a: " Oslo" → not kept');
  expect(text).toMatch(/span +│ 4 +│ 3 +│ 1 duplicate +│ 2 +│ 1 +│ 0 +│ 1/);
});

test('an axis that nobody judged and a round of which nothing is left are named', () => {
  const unjudged = [{ dataset: 'span', axis: 'faithfulness' as const }];
  const text = describe('demo', { ...figures, dataset: null, emptied: ['span'], unjudged });
  expect(text).toContain('nothing to train on is left of span');
  expect(text).toContain('no judge measured faithfulness of span, for it had weight 0 in the run');
});
