import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomFrom } from '../../shared/contract/random.ts';
import { bootstrapDifference, bootstrapMean, macroMean } from '../../shared/scoring/bootstrap.ts';

const options = (seed = 1) => ({ resamples: 1000, random: randomFrom('test', seed) });
const coin = (share: number, rows: number) =>
  Array.from({ length: rows }, (_, row) => (row < share * rows ? 1 : 0));

test('every dataset counts the same, whatever its size', () => {
  const strata = [
    { dataset: 'small', values: [1] },
    { dataset: 'large', values: coin(0.5, 1000) },
  ];
  expect(macroMean(strata)).toBe(0.75);
  expect(bootstrapMean(strata, options())).toMatchObject({ n: 1001, mean: 0.75 });
});

test('the interval of a mean is about that of the normal approximation', () => {
  const { lower, upper } = bootstrapMean([{ dataset: 'a', values: coin(0.5, 400) }], options());
  const half = 1.96 * Math.sqrt(0.25 / 400);
  expect(lower).toBeCloseTo(0.5 - half, 2);
  expect(upper).toBeCloseTo(0.5 + half, 2);
});

test('pairing takes out what is hard for both checkpoints', () => {
  const before = coin(0.5, 200);
  const after = before.map((value) => value * 0.5 + 0.3);
  const paired = bootstrapDifference([{ dataset: 'a', before, after }], options());
  expect(paired.mean).toBeCloseTo(0.05);
  const shifted = before.map((value) => value + 0.1);
  const exact = bootstrapDifference([{ dataset: 'a', before, after: shifted }], options());
  expect(exact.lower).toBeCloseTo(0.1);
  expect(exact.upper).toBeCloseTo(0.1);
});

test('rows are drawn within their dataset, so datasets without spread give no spread', () => {
  const strata = [
    { dataset: 'zeros', values: [0, 0, 0] },
    { dataset: 'ones', values: [1, 1] },
  ];
  expect(bootstrapMean(strata, options())).toEqual({ n: 5, mean: 0.5, lower: 0.5, upper: 0.5 });
});

test('the same seed gives the same bounds, another seed others', () => {
  const strata = [{ dataset: 'a', values: coin(0.3, 50) }];
  expect(bootstrapMean(strata, options(7))).toEqual(bootstrapMean(strata, options(7)));
  expect(bootstrapMean(strata, options(7))).not.toEqual(bootstrapMean(strata, options(8)));
});

test('a dataset without scores, or with a score that is no number, is refused by name', () => {
  expect(() => macroMean([])).toThrow('no dataset');
  expect(() => macroMean([{ dataset: 'nq', values: [] }])).toThrow('dataset nq has no scores');
  expect(() => macroMean([{ dataset: 'nq', values: [Number.NaN] }])).toThrow('dataset nq');
  expect(() =>
    bootstrapDifference([{ dataset: 'nq', before: [1], after: [1, 2] }], options()),
  ).toThrow('dataset nq has 1 scores before and 2 after');
});

test('a stream of random numbers depends on its parts alone', () => {
  const draw = (...parts: (string | number)[]) => {
    const random = randomFrom(...parts);
    return Array.from({ length: 4 }, () => random.integer(1000));
  };
  expect(draw(1, 'draw', 3)).toEqual([992, 94, 157, 665]);
  expect(draw(1, 'draw', 3)).not.toEqual(draw(1, 'draw', 4));
  expect(draw('1', 'draw')).not.toEqual(draw(1, 'draw'));
});

test('whole numbers are below their limit and doubles are in [0, 1)', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 2 ** 32 }), (seed, limit) => {
      const random = randomFrom(seed);
      const drawn = random.integer(limit);
      expect(drawn).toBeGreaterThanOrEqual(0);
      expect(drawn).toBeLessThan(limit);
      const next = random.next();
      expect(next).toBeGreaterThanOrEqual(0);
      expect(next).toBeLessThan(1);
    }),
  );
  expect(() => randomFrom(1).integer(0)).toThrow(RangeError);
});

test('six faces of a die come up equally often', () => {
  const random = randomFrom('die');
  const faces = Array.from({ length: 6 }, () => 0);
  for (let roll = 0; roll < 60_000; roll += 1) {
    const face = random.integer(6);
    faces[face] = (faces[face] ?? 0) + 1;
  }
  for (const count of faces) expect(Math.abs(count - 10_000)).toBeLessThan(400);
});
