/**
 * Σ KL(p ‖ q) in nats over the rows of two [rows, vocabulary] tables of logits, in double precision. How far the next-token distributions
 * of one model are from those of another in the same places.
 */
export function divergenceOf(p: Float32Array, q: Float32Array, vocabulary: number): number {
  let sum = 0;
  for (let at = 0; at < p.length; at += vocabulary) {
    const ours = p.subarray(at, at + vocabulary);
    const theirs = q.subarray(at, at + vocabulary);
    const [own, other] = [logSum(ours), logSum(theirs)];
    for (let i = 0; i < vocabulary; i++) {
      const log = (ours[i] ?? Number.NaN) - own;
      sum += Math.exp(log) * (log - ((theirs[i] ?? Number.NaN) - other));
    }
  }
  return sum;
}

/** log Σ exp of the logits. */
function logSum(logits: Float32Array): number {
  const most = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return most + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
}
