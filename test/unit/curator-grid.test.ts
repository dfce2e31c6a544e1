import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cellsOf, greedyCell, mostCells, requestsOf } from '../../agents/curator/plan/grid.ts';
import { Sampling } from '../../shared/contract/run-file.ts';

const checkpoint = 'c'.repeat(64);

function sampling(changes: object = {}): Sampling {
  return Sampling.parse({ server: 'local', ...changes });
}

test('one pass is a family of seven cells, drawn for each example', () => {
  const families = Array.from({ length: 200 }, (_, index) =>
    cellsOf(sampling(), 1, 1, `example-${index}`).map(({ name }) => name),
  );
  const temperature = ['t0.1', 't0.2', 't0.3', 't0.4', 't0.5', 't0.6', 't0.7'];
  const topK = ['k5', 'k10', 'k20', 'k50', 'k70', 'k90', 'k100'];
  for (const family of families) expect([temperature, topK]).toContainEqual(family);
  const share = families.filter(([first]) => first === 'k5').length / families.length;
  expect(share).toBeGreaterThan(0.4);
  expect(share).toBeLessThan(0.6);
});

test('the draw is the same again for the same seed, round and example, and differs between rounds', () => {
  const draws = (round: number): string =>
    Array.from(
      { length: 50 },
      (_, index) => cellsOf(sampling(), 1, round, `e${index}`)[0]?.name,
    ).join();
  expect(draws(1)).toBe(draws(1));
  expect(draws(1)).not.toBe(draws(2));
});

test('the draw can be pinned, and a second pass is the family that was not drawn', () => {
  const names = (changes: object): string[] =>
    cellsOf(sampling(changes), 1, 1, 'e').map(({ name }) => name);
  expect(names({ draw: 'temperature' })).toHaveLength(7);
  expect(names({ draw: 'temperature' })[0]).toBe('t0.1');
  expect(names({ draw: 'topK' })[0]).toBe('k5');
  expect(names({ draw: 'topK', passes: 2 })).toEqual([
    ...names({ draw: 'topK' }),
    ...names({ draw: 'temperature' }),
  ]);
});

test('temperature cells have top-k off, top-k cells one fixed temperature', () => {
  expect(cellsOf(sampling({ draw: 'temperature' }), 1, 1, 'e')[2]).toEqual({
    name: 't0.3',
    temperature: 0.3,
    topK: 0,
  });
  expect(cellsOf(sampling({ draw: 'topK' }), 1, 1, 'e')[3]).toEqual({
    name: 'k50',
    temperature: 1,
    topK: 50,
  });
});

test('top-k at temperature 0 is greedy: one request that stands for seven cells', () => {
  const cells = cellsOf(sampling({ draw: 'topK', topKTemperature: 0 }), 1, 1, 'e');
  const requests = requestsOf(cells, 1, checkpoint, 'e');
  expect(requests).toHaveLength(1);
  expect(requests[0]).toMatchObject({
    cells: ['k5', 'k10', 'k20', 'k50', 'k70', 'k90', 'k100'],
    temperature: 0,
    topK: 0,
  });
});

test('a value that is named twice gives two candidates', () => {
  const cells = cellsOf(sampling({ draw: 'temperature', temperatures: [0.5, 0.5] }), 1, 1, 'e');
  const requests = requestsOf(cells, 1, checkpoint, 'e');
  expect(new Set(requests.map(({ candidate }) => candidate)).size).toBe(2);
});

test('every cell is in exactly one request, and every candidate has its own id and seed (n-conservation)', () => {
  const settings = fc.record({
    draw: fc.constantFrom('both', 'temperature', 'topK'),
    passes: fc.constantFrom(1, 2),
    topKTemperature: fc.constantFrom(0, 0.7, 1),
    temperatures: fc.uniqueArray(fc.constantFrom(0.1, 0.4, 0.7, 1, 1.5), { minLength: 1 }),
    topK: fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { minLength: 1 }),
  });
  fc.assert(
    fc.property(settings, fc.nat(), fc.nat(20), fc.string(), (changes, seed, round, example) => {
      const options = sampling(changes);
      const cells = cellsOf(options, seed, round, example);
      const requests = requestsOf(cells, seed, checkpoint, example);
      expect(requests.flatMap((request) => request.cells).sort()).toEqual(
        cells.map(({ name }) => name).sort(),
      );
      expect(new Set(requests.map(({ candidate }) => candidate)).size).toBe(requests.length);
      expect(cells.length).toBeLessThanOrEqual(mostCells(options));
    }),
  );
});

test('an evaluation asks for one greedy answer', () => {
  const [request, ...others] = requestsOf([greedyCell], 1, checkpoint, 'e');
  expect(request).toMatchObject({ cells: ['greedy'], temperature: 0, topK: 0 });
  expect(others).toEqual([]);
});
