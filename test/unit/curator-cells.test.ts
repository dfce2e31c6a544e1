import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { countCells, sumCells } from '../../agents/curator/selection/cells.ts';
import { Sampling } from '../../shared/contract/run-file.ts';

const sampling = Sampling.parse({ server: 'local', temperatures: [0.1, 0.7], topK: [5, 50] });

function candidate(cells: string[], text: string | null) {
  return { cells, text };
}

test('a cell has its candidates, its distinct texts, those that only it gave, and a win where it gave the kept text', () => {
  const cells = countCells(
    [
      candidate(['t0.1'], 'Oslo'),
      candidate(['t0.7'], 'Oslo'),
      candidate(['t0.7'], 'Rome'),
      candidate(['t0.7'], null),
    ],
    'Rome',
  );
  expect(cells).toEqual({
    't0.1': { candidates: 1, texts: 1, own: 0, wins: 0 },
    't0.7': { candidates: 3, texts: 2, own: 1, wins: 1 },
  });
});

test('a greedy candidate counts for each of its cells', () => {
  const cells = countCells([candidate(['k5', 'k50'], 'Oslo')], 'Oslo');
  expect(cells).toEqual({
    k5: { candidates: 1, texts: 1, own: 0, wins: 1 },
    k50: { candidates: 1, texts: 1, own: 0, wins: 1 },
  });
});

test('cells that gave the same text win together, whichever candidate of it was taken', () => {
  const cells = countCells([candidate(['t0.1'], 'Oslo'), candidate(['t0.7'], 'Oslo')], 'Oslo');
  expect(Object.values(cells).map(({ wins }) => wins)).toEqual([1, 1]);
});

test('an example of which nothing is kept is no win for anybody', () => {
  const cells = countCells([candidate(['t0.1'], 'Oslo')], null);
  expect(cells['t0.1']?.wins).toBe(0);
});

test('sums come in grid order, whatever the order of the examples, without cells that nothing was sampled in', () => {
  const late = countCells([candidate(['k50'], 'Oslo')], 'Oslo');
  const early = countCells([candidate(['t0.7'], 'Rome')], null);
  const sums = sumCells(sampling, [late, early, late]);
  expect(Object.keys(sums)).toEqual(['t0.7', 'k50']);
  expect(JSON.stringify(sumCells(sampling, [early, late, late]))).toBe(JSON.stringify(sums));
  expect(sums['k50']).toEqual({ candidates: 2, texts: 2, own: 2, wins: 2 });
});

test('own texts are texts, texts are candidates, and every candidate with the kept text wins (conservation)', () => {
  const text = fc.constantFrom('Oslo', 'Rome', 'Paris', null);
  const cell = fc.constantFrom('t0.1', 't0.7', 'k5');
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, text)), text, (drawn, kept) => {
      const candidates = drawn.map(([name, said]) => candidate([name], said));
      const cells = Object.values(countCells(candidates, kept));
      const sum = (of: (one: (typeof cells)[number]) => number): number =>
        cells.reduce((total, one) => total + of(one), 0);
      expect(sum((one) => one.candidates)).toBe(candidates.length);
      const won = candidates.filter((one) => one.text !== null && one.text === kept);
      expect(sum((one) => one.wins)).toBe(won.length);
      for (const { candidates: all, texts, own } of cells) {
        expect(texts).toBeLessThanOrEqual(all);
        expect(own).toBeLessThanOrEqual(texts);
      }
    }),
  );
});
