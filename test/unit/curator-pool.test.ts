import { expect, test } from 'vitest';
import type { Curation } from '../../agents/curator/selection/balance.ts';
import { poolRounds } from '../../agents/curator/selection/pool.ts';
import type { TrainingRow } from '../../shared/contract/training.ts';

function row(id: string, completion: string): TrainingRow {
  return { id, dataset: 'span', turns: [{ prompt: `${id}?`, completion }] };
}

function curation(rows: readonly TrainingRow[]): Curation {
  const span = { planned: 3, kept: rows.length, excluded: { duplicate: 3 - rows.length } };
  return { rows, byDataset: { span }, emptied: [], ties: 0, duplicates: 0, cells: {} };
}

test('pooled rounds have every row once: a new answer to an old question is one more row', () => {
  const rounds = [
    curation([row('a', 'x'), row('b', 'x')]),
    curation([row('a', 'y'), row('b', 'x')]),
  ];
  const last = curation([row('a', 'y'), row('b', 'z'), row('c', 'x')]);
  const pooled = poolRounds(rounds, last);
  expect(pooled.rows.map(({ id, turns }) => [id, turns[0]?.completion])).toEqual([
    ['a', 'x'],
    ['a-r2', 'y'],
    ['b', 'x'],
    ['b-r3', 'z'],
    ['c-r3', 'x'],
  ]);
  expect(pooled.earlier).toBe(3);
  expect(pooled.byDataset).toEqual({
    span: { planned: 3, kept: 2, excluded: { duplicate: 0, 'in an earlier round': 1 } },
  });
  expect(last.byDataset['span']?.kept).toBe(3);
});

test('the pool of a first round is that round', () => {
  const first = curation([row('a', 'x'), row('b', 'x')]);
  expect(poolRounds([], first)).toEqual({ ...first, earlier: 0 });
});
