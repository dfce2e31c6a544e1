import { sumLanes } from './exponential';

const EPSILON: f32 = 1e-6;

/** target = x / rms(x) by rows, width a multiple of 4; `inverse` takes 1 / rms of each row. In place is allowed. */
export function rmsNorm(target: usize, source: usize, inverse: usize, rows: i32, width: i32): void {
  const bytes = (<usize>width) << 2;
  for (let i = 0; i < rows; i++) {
    let sum = f32x4.splat(0);
    for (let at: usize = 0; at < bytes; at += 16) {
      const x = v128.load(source + at);
      sum = f32x4.add(sum, f32x4.mul(x, x));
    }
    const scale: f32 = 1 / sqrt<f32>(sumLanes(sum) / <f32>width + EPSILON);
    f32.store(inverse + ((<usize>i) << 2), scale);
    const scales = f32x4.splat(scale);
    for (let at: usize = 0; at < bytes; at += 16) {
      v128.store(target + at, f32x4.mul(v128.load(source + at), scales));
    }
    target += bytes;
    source += bytes;
  }
}

/** dx += inverse · (dy − y · mean(dy · y)) by rows, y being what rmsNorm gave. */
export function rmsNormBackward(
  dx: usize,
  dy: usize,
  y: usize,
  inverse: usize,
  rows: i32,
  width: i32,
): void {
  const bytes = (<usize>width) << 2;
  for (let i = 0; i < rows; i++) {
    let sum = f32x4.splat(0);
    for (let at: usize = 0; at < bytes; at += 16) {
      sum = f32x4.add(sum, f32x4.mul(v128.load(dy + at), v128.load(y + at)));
    }
    const mean = f32x4.splat(sumLanes(sum) / <f32>width);
    const scale = f32x4.splat(f32.load(inverse + ((<usize>i) << 2)));
    for (let at: usize = 0; at < bytes; at += 16) {
      const part = f32x4.sub(v128.load(dy + at), f32x4.mul(v128.load(y + at), mean));
      v128.store(dx + at, f32x4.add(v128.load(dx + at), f32x4.mul(part, scale)));
    }
    dx += bytes;
    dy += bytes;
    y += bytes;
  }
}
