import { exp4, laneMask, maxLanes, sumLanes } from './exponential';

/**
 * Softmax cross-entropy by rows. `losses[i]` = −log p(target) is left as its two parts, the highest logit minus the
 * target's and the sum of exponentials, since the caller takes the logarithm in double precision. The logits become the gradient
 * (p − one-hot) · scale. Rows are `stride` floats apart, stride a multiple of 4; what lies behind `columns` becomes zero.
 */
export function crossEntropy(
  logits: usize,
  targets: usize,
  losses: usize,
  rows: i32,
  columns: i32,
  stride: i32,
  scale: f32,
): void {
  const last = (<usize>((columns - 1) & ~3)) << 2;
  const mask = laneMask(columns - ((columns - 1) & ~3));
  const low = v128.andnot(f32x4.splat(-1e30), mask);
  for (let i = 0; i < rows; i++) {
    const tail = v128.or(v128.and(v128.load(logits + last), mask), low);
    v128.store(logits + last, tail);
    let top = tail;
    for (let at: usize = 0; at < last; at += 16) top = f32x4.max(top, v128.load(logits + at));
    const most = maxLanes(top);
    const target = (<usize>i32.load(targets + ((<usize>i) << 2))) << 2;
    f32.store(losses + ((<usize>i) << 3), most - f32.load(logits + target));
    const shift = f32x4.splat(most);
    let sum = f32x4.splat(0);
    for (let at: usize = 0; at <= last; at += 16) {
      let e = exp4(f32x4.sub(v128.load(logits + at), shift));
      if (at == last) e = v128.and(e, mask);
      v128.store(logits + at, e);
      sum = f32x4.add(sum, e);
    }
    const total = sumLanes(sum);
    f32.store(losses + ((<usize>i) << 3), total, 4);
    const factor = f32x4.splat(scale / total);
    for (let at: usize = 0; at <= last; at += 16) {
      v128.store(logits + at, f32x4.mul(v128.load(logits + at), factor));
    }
    f32.store(logits + target, f32.load(logits + target) - scale);
    memory.fill(logits + last + 16, 0, ((<usize>stride) << 2) - last - 16);
    logits += (<usize>stride) << 2;
  }
}
