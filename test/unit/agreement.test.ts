import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomFrom } from '../../shared/contract/random.ts';
import { auroc } from '../../shared/scoring/auroc.ts';
import { bootstrapStatistic } from '../../shared/scoring/bootstrap-statistic.ts';
import { cohenKappa } from '../../shared/scoring/cohen-kappa.ts';
import { krippendorffAlpha } from '../../shared/scoring/krippendorff-alpha.ts';
import { spearmanRho } from '../../shared/scoring/spearman.ts';

/** One line a judge, `.` where it gave nothing. */
function rowsOf(...judges: string[]): (number | null)[][] {
  const given = judges.map((line) =>
    line.split('').map((mark) => (mark === '.' ? null : Number(mark))),
  );
  return [...(given[0] ?? [])].map((_, row) => given.map((marks) => marks[row] ?? null));
}

test('kappa is what is left of the disagreement that chance explains', () => {
  // Of 50 rows the judges agree on 35, and by chance on 25, by hand: (0.7 - 0.5) / (1 - 0.5).
  const labels = (...runs: [label: string, length: number][]) =>
    runs.flatMap(([label, length]) => Array<string>(length).fill(label));
  const left = labels(['yes', 25], ['no', 25]);
  const right = labels(['yes', 20], ['no', 5], ['yes', 10], ['no', 15]);
  expect(cohenKappa(left, right, 'unweighted')).toEqual({ n: 50, value: 0.4 });
});

test('kappa weighs by the rank of a label among those present, not by its number', () => {
  const [left, right] = [
    [1, 3, 5, 5],
    [1, 3, 3, 5],
  ];
  const far = (label: number) => (label === 5 ? 1000 : label);
  for (const weights of ['unweighted', 'linear', 'quadratic'] as const)
    expect(cohenKappa(left.map(far), right.map(far), weights)).toEqual(
      cohenKappa(left, right, weights),
    );
  // By hand: the judges are one step apart in one of 4 rows; all 16 pairs of their labels together are 14 steps apart.
  expect(cohenKappa(left, right, 'linear').value).toBe((14 - 4) / 14);
  expect(cohenKappa(left, right, 'unweighted').value).toBe((11 - 4) / 11);
});

test("alpha of Krippendorff's own data is that of his paper", () => {
  // Krippendorff (2011), section C, four observers with missing data: 0.743, 0.815, 0.849. The further digits are of the package
  // krippendorff 0.9.0.
  const rows = rowsOf('123321412...', '1233224125.3', '.3332342251.', '12332441251.');
  const alpha = (level: 'nominal' | 'ordinal' | 'interval') => krippendorffAlpha(rows, level);
  expect(alpha('nominal').n).toBe(11);
  expect(alpha('nominal').value).toBeCloseTo(0.743421052631579, 12);
  expect(alpha('ordinal').value).toBeCloseTo(0.8153875037548814, 12);
  expect(alpha('interval').value).toBeCloseTo(0.8491071428571428, 12);
});

test('alpha leaves out what only one judge looked at', () => {
  // The example of Wikipedia's article "Krippendorff's alpha": 0.691 and 0.811; all three checked with krippendorff 0.9.0.
  const rows = rowsOf('.....34121133.3', '1.213343.......', '..21344.21133.4');
  expect(krippendorffAlpha(rows, 'nominal').n).toBe(12);
  expect(krippendorffAlpha(rows, 'nominal').value).toBeCloseTo(0.691358024691358, 12);
  expect(krippendorffAlpha(rows, 'ordinal').value).toBeCloseTo(0.8067214199413153, 12);
  expect(krippendorffAlpha(rows, 'interval').value).toBeCloseTo(0.8108448928121059, 12);
});

test('rho of a textbook table, and of ties', () => {
  // IQ against hours of television, the example of Wikipedia's article on rho: -29/165. The ties are of scipy 1.17.1.
  const iq = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110];
  const hours = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17];
  expect(spearmanRho(iq, hours)).toEqual({ n: 10, value: -29 / 165 });
  const tied = spearmanRho([1, 2, 2, 3, 5, 5, 5], [2, 1, 4, 4, 4, 6, 7]);
  expect(tied.value).toBeCloseTo(0.7961540283151328, 12);
});

test('the area under the curve counts ties half', () => {
  // The example of scikit-learn's roc_auc_score, and by hand: of 6 pairs 4 are in order and 2 are ties.
  expect(auroc([0.1, 0.4, 0.35, 0.8], [false, false, true, true])).toEqual({ n: 4, value: 0.75 });
  expect(auroc([0.5, 0.5, 0.2, 0.5, 0.9], [false, true, false, true, true]).value).toBe(5 / 6);
});

test('what is undefined is null, and what is not finite is refused', () => {
  expect(cohenKappa([], [], 'unweighted')).toEqual({ n: 0, value: null });
  expect(cohenKappa([3, 3], [3, 3], 'linear')).toEqual({ n: 2, value: null });
  expect(krippendorffAlpha([[1, null], [null]], 'nominal')).toEqual({ n: 0, value: null });
  expect(
    krippendorffAlpha(
      [
        [2, 2],
        [2, 2, null],
      ],
      'interval',
    ),
  ).toEqual({ n: 2, value: null });
  expect(spearmanRho([1, 2], [5, 5])).toEqual({ n: 2, value: null });
  expect(spearmanRho([], [])).toEqual({ n: 0, value: null });
  expect(auroc([1, 2], [true, true])).toEqual({ n: 2, value: null });
  expect(() => cohenKappa([1], [1, 2], 'linear')).toThrow('1 values against 2');
  expect(() => spearmanRho([1, Number.NaN], [1, 2])).toThrow('NaN is no value to compare');
  expect(() => krippendorffAlpha([[1, Infinity]], 'interval')).toThrow('Infinity is no value');
});

const scores = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 30 });

test('judges that say the same agree fully, whatever the statistic', () => {
  fc.assert(
    fc.property(scores, (given) => {
      fc.pre(new Set(given).size > 1);
      for (const weights of ['unweighted', 'linear', 'quadratic'] as const)
        expect(cohenKappa(given, given, weights).value).toBe(1);
      for (const level of ['nominal', 'ordinal', 'interval'] as const)
        expect(
          krippendorffAlpha(
            given.map((one) => [one, null, one]),
            level,
          ).value,
        ).toBe(1);
      expect(spearmanRho(given, given).value).toBe(1);
      expect(
        spearmanRho(
          given,
          given.map((one) => -one),
        ).value,
      ).toBe(-1);
      const best = Math.max(...given);
      expect(
        auroc(
          given,
          given.map((one) => one === best),
        ).value,
      ).toBe(1);
    }),
  );
});

test('no statistic depends on the order of the rows or of the judges', () => {
  const pairs = fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })), {
    minLength: 1,
  });
  fc.assert(
    fc.property(pairs, (rows) => {
      const left = rows.map(([one]) => one);
      const right = rows.map(([, other]) => other);
      const swapped = rows.map(([one, other]) => [other, one]).toReversed();
      expect(cohenKappa(right.toReversed(), left.toReversed(), 'quadratic')).toEqual(
        cohenKappa(left, right, 'quadratic'),
      );
      expect(spearmanRho(right.toReversed(), left.toReversed())).toEqual(spearmanRho(left, right));
      const alpha = krippendorffAlpha(rows, 'ordinal').value;
      if (alpha === null) expect(krippendorffAlpha(swapped, 'ordinal').value).toBeNull();
      else expect(krippendorffAlpha(swapped, 'ordinal').value).toBeCloseTo(alpha, 10);
    }),
  );
});

type Pair = readonly [left: number, right: number];
const kappaOf = (rows: readonly Pair[]) =>
  cohenKappa(
    rows.map(([left]) => left),
    rows.map(([, right]) => right),
    'unweighted',
  ).value;
const drawn = (seed: number) => ({ resamples: 200, random: randomFrom('test', seed) });

test('the interval of a statistic holds its value, is narrower for more rows and the same for a seed', () => {
  const rows = (n: number): Pair[] =>
    Array.from({ length: n }, (_, row) => [row % 2, (row % 5) % 2]);
  const few = bootstrapStatistic(rows(40), kappaOf, drawn(1));
  const many = bootstrapStatistic(rows(400), kappaOf, drawn(1));
  const width = ({ lower, upper }: typeof few) => (upper ?? Number.NaN) - (lower ?? Number.NaN);
  expect(few).toMatchObject({ n: 40, value: kappaOf(rows(40)), defined: 200 });
  expect(few.lower).toBeLessThan(few.value ?? Number.NaN);
  expect(few.upper).toBeGreaterThan(few.value ?? Number.NaN);
  expect(width(many)).toBeLessThan(width(few) / 2);
  expect(bootstrapStatistic(rows(40), kappaOf, drawn(1))).toEqual(few);
  expect(bootstrapStatistic(rows(40), kappaOf, drawn(2))).not.toEqual(few);
});

test('the interval of a mean is about that of the normal approximation', () => {
  const coin = Array.from({ length: 400 }, (_, row) => row % 2);
  const mean = (rows: readonly number[]) => rows.reduce((sum, row) => sum + row, 0) / rows.length;
  const { lower, upper } = bootstrapStatistic(coin, mean, drawn(3));
  const half = 1.96 * Math.sqrt(0.25 / 400);
  expect(lower).toBeCloseTo(0.5 - half, 2);
  expect(upper).toBeCloseTo(0.5 + half, 2);
});

test('resamples without a value are left out and counted', () => {
  const rows: Pair[] = [
    [0, 0],
    [1, 1],
  ];
  const interval = bootstrapStatistic(rows, kappaOf, drawn(1));
  expect(interval).toMatchObject({ n: 2, value: 1, lower: 1, upper: 1 });
  // Of two rows half of the resamples draw one of them twice.
  expect(interval.defined).toBeGreaterThan(70);
  expect(interval.defined).toBeLessThan(130);
  const undefinedOne = { value: null, lower: null, upper: null, defined: 0 };
  expect(bootstrapStatistic([], kappaOf, drawn(1))).toEqual({ n: 0, ...undefinedOne });
  expect(bootstrapStatistic([[1, 1]], kappaOf, drawn(1))).toEqual({ n: 1, ...undefinedOne });
});
