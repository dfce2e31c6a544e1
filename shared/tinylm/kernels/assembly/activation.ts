/** target = max(x, 0)² over `count` floats (a multiple of 4). */
export function squaredRelu(target: usize, source: usize, count: i32): void {
  const zero = f32x4.splat(0);
  const end = source + ((<usize>count) << 2);
  for (; source < end; source += 16, target += 16) {
    const x = f32x4.max(v128.load(source), zero);
    v128.store(target, f32x4.mul(x, x));
  }
}

/** gradient *= 2 · max(x, 0) over `count` floats (a multiple of 4). */
export function squaredReluBackward(gradient: usize, source: usize, count: i32): void {
  const zero = f32x4.splat(0);
  const two = f32x4.splat(2);
  const end = source + ((<usize>count) << 2);
  for (; source < end; source += 16, gradient += 16) {
    const slope = f32x4.mul(f32x4.max(v128.load(source), zero), two);
    v128.store(gradient, f32x4.mul(v128.load(gradient), slope));
  }
}
