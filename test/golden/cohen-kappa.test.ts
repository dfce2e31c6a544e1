/** Cohen's kappa against exact fractions, of people and of judge models. */
import { expect, test } from 'vitest';
import { cohenKappa } from '../../shared/scoring/cohen-kappa.ts';
import { goldenRows } from '../support/golden.ts';

type Kappa = { exact: string | null; value: number | null };

interface KappaRow {
  id: string;
  n: number;
  a: (number | string)[];
  b: (number | string)[];
  unweighted: Kappa;
  /** Not there for labels without an order. */
  linear?: Kappa;
  quadratic?: Kappa;
}

test('every kappa is the double nearest to the exact fraction, and undefined where that is', (context) => {
  const rows = goldenRows<KappaRow>(context, 'golden/cohen_kappa.jsonl');
  expect(rows).toHaveLength(312);
  for (const { id, n, a, b, ...expected } of rows)
    for (const weights of ['unweighted', 'linear', 'quadratic'] as const) {
      const kappa = expected[weights];
      if (kappa === undefined) continue;
      const value = kappa.exact === null ? null : nearest(kappa.exact);
      expect(cohenKappa(a, b, weights), `${id} ${weights}`).toEqual({ n, value });
      if (value !== null)
        expect(Math.abs(value - (kappa.value ?? Number.NaN)), id).toBeLessThan(1e-12);
    }
});

/** Both parts of these fractions are below 2^53, so the quotient is rounded once. */
function nearest(fraction: string): number {
  const [numerator, denominator] = fraction.split('/').map(Number);
  return (numerator ?? Number.NaN) / (denominator ?? Number.NaN);
}
