import { expect, test } from 'vitest';
import { divergenceOf } from '../../shared/tinylm/model/divergence.ts';

const logits = (...shares: number[]): Float32Array => Float32Array.from(shares, Math.log);

test('is Σ p log(p / q) over the rows, in nats', () => {
  const p = logits(0.5, 0.5, 0.25, 0.75);
  const q = logits(0.9, 0.1, 0.25, 0.75);
  expect(divergenceOf(p, q, 2)).toBeCloseTo(0.5 * Math.log(0.5 / 0.9) + 0.5 * Math.log(5), 6);
});

test('logits are no shares: what is added to a row changes nothing, and large ones do not overflow', () => {
  const p = logits(0.2, 0.3, 0.5);
  expect(
    divergenceOf(
      p,
      p.map((logit) => logit + 500),
      3,
    ),
  ).toBeCloseTo(0, 4);
});
