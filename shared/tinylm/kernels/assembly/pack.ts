/**
 * Copies four lines of `depth` elements side by side: target[k][0..3] = line 0..3 at k. Lines from `valid` on are zero.
 * `step` is the distance in bytes between target[k] and target[k + 1].
 */
export function packFour(
  target: usize,
  source: usize,
  valid: i32,
  depth: i32,
  lineStride: i32,
  depthStride: i32,
  step: usize,
): void {
  const line = (<usize>lineStride) << 2;
  const deep = (<usize>depthStride) << 2;
  if (valid >= 4 && lineStride == 1) {
    for (let k = 0; k < depth; k++) {
      v128.store(target, v128.load(source));
      target += step;
      source += deep;
    }
    return;
  }
  let k = 0;
  if (valid >= 4 && depthStride == 1) {
    for (; k + 4 <= depth; k += 4) {
      packSquare(target, source, line, step);
      target += step << 2;
      source += 16;
    }
  }
  for (; k < depth; k++) {
    for (let i = 0; i < 4; i++) {
      const value: f32 = i < valid ? f32.load(source + <usize>i * line) : 0;
      f32.store(target + ((<usize>i) << 2), value);
    }
    target += step;
    source += deep;
  }
}

/** Transposes 4 × 4. */
function packSquare(target: usize, source: usize, line: usize, step: usize): void {
  const r0 = v128.load(source);
  const r1 = v128.load(source + line);
  const r2 = v128.load(source + line * 2);
  const r3 = v128.load(source + line * 3);
  const lo01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const hi01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const lo23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const hi23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(target, v128.shuffle<f32>(lo01, lo23, 0, 1, 4, 5));
  v128.store(target + step, v128.shuffle<f32>(lo01, lo23, 2, 3, 6, 7));
  v128.store(target + step * 2, v128.shuffle<f32>(hi01, hi23, 0, 1, 4, 5));
  v128.store(target + step * 3, v128.shuffle<f32>(hi01, hi23, 2, 3, 6, 7));
}
