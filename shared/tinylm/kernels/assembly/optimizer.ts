/** target[i] = Σ_s shards[s][i] in ascending s; shards are `stride` floats apart; count a multiple of 4. */
export function sumShards(
  target: usize,
  shards: usize,
  stride: i32,
  number: i32,
  count: i32,
): void {
  const step = (<usize>stride) << 2;
  for (let at: usize = 0; at < (<usize>count) << 2; at += 16) {
    let from = shards + at;
    let sum = v128.load(from);
    for (let s = 1; s < number; s++) {
      from += step;
      sum = f32x4.add(sum, v128.load(from));
    }
    v128.store(target + at, sum);
  }
}

/** Σ x² in double precision over `count` floats. */
export function squaredNorm(source: usize, count: i32): f64 {
  let sum: f64 = 0;
  const end = source + ((<usize>count) << 2);
  for (; source < end; source += 4) {
    const x = <f64>f32.load(source);
    sum += x * x;
  }
  return sum;
}

/**
 * One AdamW step (Loshchilov & Hutter 2019) over `count` floats, a multiple of 4. `clip` multiplies the gradient,
 * `correction1` and `correction2` are 1 / (1 − beta^step), `decay` is learning rate · weight decay.
 */
export function adamW(
  weights: usize,
  gradient: usize,
  first: usize,
  second: usize,
  count: i32,
  rate: f32,
  decay: f32,
  clip: f32,
  beta1: f32,
  beta2: f32,
  correction1: f32,
  correction2: f32,
  epsilon: f32,
): void {
  const keep = f32x4.splat(1 - decay);
  const rates = f32x4.splat(rate * correction1);
  const b1 = f32x4.splat(beta1);
  const b2 = f32x4.splat(beta2);
  const n1 = f32x4.splat(1 - beta1);
  const n2 = f32x4.splat(1 - beta2);
  for (let at: usize = 0; at < (<usize>count) << 2; at += 16) {
    const g = f32x4.mul(v128.load(gradient + at), f32x4.splat(clip));
    const m = f32x4.add(f32x4.mul(v128.load(first + at), b1), f32x4.mul(g, n1));
    const v = f32x4.add(f32x4.mul(v128.load(second + at), b2), f32x4.mul(f32x4.mul(g, g), n2));
    v128.store(first + at, m);
    v128.store(second + at, v);
    const root = f32x4.sqrt(f32x4.mul(v, f32x4.splat(correction2)));
    const step = f32x4.div(f32x4.mul(m, rates), f32x4.add(root, f32x4.splat(epsilon)));
    v128.store(weights + at, f32x4.sub(f32x4.mul(v128.load(weights + at), keep), step));
  }
}
