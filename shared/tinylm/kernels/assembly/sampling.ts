import { exp4 } from './exponential';

/** The first index of the highest of `count` values. */
export function argmax(values: usize, count: i32): i32 {
  let best = 0;
  let most = f32.load(values);
  for (let i = 1; i < count; i++) {
    const value = f32.load(values + ((<usize>i) << 2));
    if (value > most) {
      most = value;
      best = i;
    }
  }
  return best;
}

/** Σ e^(values − highest), for the log-probability of a token. */
export function sumExponentials(values: usize, count: i32): f64 {
  const most = f32.load(values + ((<usize>argmax(values, count)) << 2));
  let sum: f64 = 0;
  for (let i = 0; i < count; i++) {
    const x = f32x4.splat(f32.load(values + ((<usize>i) << 2)) - most);
    sum += <f64>f32x4.extract_lane(exp4(x), 0);
  }
  return sum;
}

/** target = e^((values − highest) / temperature): weights of the tokens, not yet normalised. */
export function temper(target: usize, values: usize, count: i32, temperature: f32): void {
  const most = f32.load(values + ((<usize>argmax(values, count)) << 2));
  for (let i = 0; i < count; i++) {
    const at = (<usize>i) << 2;
    const x = f32x4.splat((f32.load(values + at) - most) / temperature);
    f32.store(target + at, f32x4.extract_lane(exp4(x), 0));
  }
}

/**
 * Keeps the weights of the `top` highest values, of equals the first, and zeroes the others. The border is found by bisection on the
 * values' bit patterns, which order like the values once negative ones are flipped.
 */
export function cutBelow(weights: usize, values: usize, count: i32, top: i32): void {
  if (top <= 0 || top >= count) return;
  let low: i64 = i32.MIN_VALUE;
  let high: i64 = i32.MAX_VALUE;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (countFrom(values, count, <i32>middle) >= top) low = middle;
    else high = middle - 1;
  }
  const border = <i32>low;
  let equals = top - (border == i32.MAX_VALUE ? 0 : countFrom(values, count, border + 1));
  for (let i = 0; i < count; i++) {
    const at = (<usize>i) << 2;
    const key = ordered(i32.load(values + at));
    if (key > border) continue;
    if (key == border && equals > 0) equals--;
    else f32.store(weights + at, 0);
  }
}

/** The index where the running sum of the weights passes u · total, u in [0, 1): inverse CDF. */
export function pick(weights: usize, count: i32, u: f64): i32 {
  let total: f64 = 0;
  for (let i = 0; i < count; i++) total += <f64>f32.load(weights + ((<usize>i) << 2));
  const goal = total * u;
  let sum: f64 = 0;
  let last = 0;
  for (let i = 0; i < count; i++) {
    const weight = f32.load(weights + ((<usize>i) << 2));
    if (weight > 0) {
      sum += <f64>weight;
      last = i;
      if (sum > goal) return i;
    }
  }
  return last;
}

function ordered(bits: i32): i32 {
  return bits >= 0 ? bits : bits ^ 0x7fffffff;
}

function countFrom(values: usize, count: i32, border: i32): i32 {
  let found = 0;
  for (let i = 0; i < count; i++) {
    found += i32(ordered(i32.load(values + ((<usize>i) << 2))) >= border);
  }
  return found;
}
