import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cellsOf, requestsOf } from '../../agents/curator/plan/grid.ts';
import { lastWinRates, reallocate } from '../../agents/curator/plan/reallocate.ts';
import type { Fact } from '../../shared/contract/facts.ts';
import { randomFrom } from '../../shared/contract/random.ts';
import { Sampling } from '../../shared/contract/run-file.ts';
import { wholeJournal } from '../support/journal.ts';

const family = ['t0.1', 't0.2', 't0.3', 't0.4', 't0.5', 't0.6', 't0.7'].map((name) => ({ name }));

function sampling(changes: object = {}): Sampling {
  return Sampling.parse({ server: 'local', reallocate: { floor: 0.05 }, ...changes });
}

/** How often each cell is asked over many examples, as shares. */
function sharesOf(rates: Record<string, number>, floor: number, examples = 4000) {
  const counts = new Map(family.map(({ name }) => [name, 0]));
  for (let example = 0; example < examples; example += 1)
    for (const { name } of reallocate(family, rates, floor, randomFrom(1, example)))
      counts.set(name, (counts.get(name) ?? 0) + 1);
  return Array.from(counts.values(), (count) => count / examples / family.length);
}

test('cells get requests by their win rates, above the floor that each has', () => {
  const shares = sharesOf({ 't0.1': 0.3, 't0.7': 0.1 }, 0.05);
  const expected = [0.05 + 0.65 * 0.75, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05 + 0.65 * 0.25];
  for (const [index, share] of shares.entries()) expect(share).toBeCloseTo(expected[index] ?? 0, 2);
});

test('without any win, and with a floor that takes all, the grid stays as it is', () => {
  expect(reallocate(family, {}, 0.05, randomFrom(1))).toEqual(family);
  for (const share of sharesOf({ 't0.1': 1 }, 1 / 7)) expect(share).toBeCloseTo(1 / 7, 3);
});

test('an example has as many requests as before, each cell its share rounded down or up, in grid order', () => {
  const rate = fc.double({ min: 0, max: 1, noNaN: true });
  const rates = fc.array(rate, { minLength: 7, maxLength: 7 });
  const floor = fc.double({ min: 0, max: 1 / 7, noNaN: true });
  fc.assert(
    fc.property(rates, floor, fc.nat(), (drawn, least, seed) => {
      const named: Record<string, number> = {};
      for (const [index, { name }] of family.entries()) named[name] = drawn[index] ?? 0;
      const asked = reallocate(family, named, least, randomFrom(seed)).map(({ name }) => name);
      expect(asked).toHaveLength(7);
      expect(asked).toEqual([...asked].sort());
      const sum = drawn.reduce((total, one) => total + one, 0);
      for (const [index, one] of drawn.entries()) {
        const share = sum === 0 ? 1 / 7 : least + (1 - 7 * least) * (one / sum);
        const times = asked.filter((name) => name === family[index]?.name).length;
        expect(Math.abs(times - 7 * share)).toBeLessThan(1 + 1e-9);
      }
    }),
  );
});

test('the family and the number of requests are drawn as without it; the same again for the same example', () => {
  for (let index = 0; index < 200; index += 1) {
    const cells = (options: Sampling) =>
      cellsOf(options, 1, 2, `e${index}`, { 't0.1': 0.5, k5: 0.5 }).map(({ name }) => name);
    const plain = cells(sampling({ reallocate: undefined }));
    const asked = cells(sampling());
    expect(asked).toHaveLength(plain.length);
    expect(plain).toEqual(expect.arrayContaining(asked));
    expect(cells(sampling())).toEqual(asked);
  }
});

test('requests of the same cell are candidates of their own', () => {
  const cells = cellsOf(sampling({ draw: 'temperature' }), 1, 2, 'e', { 't0.1': 1 });
  expect(cells.filter(({ name }) => name === 't0.1').length).toBeGreaterThan(2);
  const requests = requestsOf(cells, 1, 'c'.repeat(64), 'e');
  expect(new Set(requests.map(({ candidate }) => candidate)).size).toBe(7);
});

test('greedy cells stay one request, and a floor above the family is refused', () => {
  const greedy = sampling({ draw: 'topK', topKTemperature: 0 });
  const cells = cellsOf(greedy, 1, 2, 'e', { k5: 1 });
  expect(cells).toHaveLength(7);
  expect(requestsOf(cells, 1, 'c'.repeat(64), 'e')).toHaveLength(1);
  expect(() => sampling({ reallocate: { floor: 0.2 } })).toThrow(/floor/);
});

test('win rates are those of the last sealed round: its kept candidates by its candidates', () => {
  const count = { texts: 10, own: 10 };
  const cells = {
    k5: { ...count, candidates: 10, wins: 1 },
    k10: { ...count, candidates: 40, wins: 8 },
  };
  const journal = wholeJournal.map((fact): Fact =>
    fact.fact === 'dataset.sealed' && fact.step === 'r1' ? { ...fact, cells } : fact,
  );
  expect(lastWinRates(journal)).toEqual({ k5: 0.1, k10: 0.2 });
  expect(lastWinRates([...journal, { fact: 'run.resumed' }])).toEqual(lastWinRates(journal));
  expect(lastWinRates(journal.slice(0, 7))).toBeNull();
});
