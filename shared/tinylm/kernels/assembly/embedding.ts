/**
 * Causal depthwise convolution over embeddings: target[r] = scale · Σ_k taps[k] ∘ table[window[r][k]], where window[r]
 * holds the ids of position r and the `count − 1` before it, −1 where the sequence had not begun. Width a multiple of 4.
 */
export function embed(
  target: usize,
  table: usize,
  taps: usize,
  window: usize,
  rows: i32,
  count: i32,
  width: i32,
  scale: f32,
): void {
  const bytes = (<usize>width) << 2;
  const scales = f32x4.splat(scale);
  for (let r = 0; r < rows; r++) {
    memory.fill(target, 0, bytes);
    for (let k = 0; k < count; k++) {
      const id = i32.load(window + ((<usize>(r * count + k)) << 2));
      if (id < 0) continue;
      const source = table + <usize>id * bytes;
      const tap = taps + <usize>k * bytes;
      for (let at: usize = 0; at < bytes; at += 16) {
        const term = f32x4.mul(v128.load(source + at), v128.load(tap + at));
        v128.store(target + at, f32x4.add(v128.load(target + at), f32x4.mul(term, scales)));
      }
    }
    target += bytes;
  }
}

/** Adds the gradients of `embed` to dTable and dTaps, row by row. */
export function embedBackward(
  dTable: usize,
  dTaps: usize,
  dy: usize,
  table: usize,
  taps: usize,
  window: usize,
  rows: i32,
  count: i32,
  width: i32,
  scale: f32,
): void {
  const bytes = (<usize>width) << 2;
  const scales = f32x4.splat(scale);
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < count; k++) {
      const id = i32.load(window + ((<usize>(r * count + k)) << 2));
      if (id < 0) continue;
      const row = <usize>id * bytes;
      const tap = <usize>k * bytes;
      for (let at: usize = 0; at < bytes; at += 16) {
        const g = f32x4.mul(v128.load(dy + at), scales);
        const intoTable = f32x4.mul(g, v128.load(taps + tap + at));
        const intoTap = f32x4.mul(g, v128.load(table + row + at));
        const slot = dTable + row + at;
        v128.store(slot, f32x4.add(v128.load(slot), intoTable));
        v128.store(dTaps + tap + at, f32x4.add(v128.load(dTaps + tap + at), intoTap));
      }
    }
    dy += bytes;
  }
}
