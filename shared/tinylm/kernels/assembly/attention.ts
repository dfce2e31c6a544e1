import { exp4, laneMask, maxLanes, sumLanes } from './exponential';

/**
 * Rotary positions in place: in each head the pairs (i, i + half) of the first 2 · half features turn by the angle of
 * the row's position. `cosines` and `sines` hold `half` values a position; `direction` −1 turns back (the gradient).
 */
export function rotate(
  rows: usize,
  positions: usize,
  cosines: usize,
  sines: usize,
  count: i32,
  heads: i32,
  headSize: i32,
  half: i32,
  direction: f32,
): void {
  const bytes = (<usize>half) << 2;
  const whole = (<usize>(half & ~3)) << 2;
  const sign = f32x4.splat(direction);
  for (let r = 0; r < count; r++) {
    const angles = <usize>i32.load(positions + ((<usize>r) << 2)) * bytes;
    for (let h = 0; h < heads; h++) {
      const first = rows + ((<usize>((r * heads + h) * headSize)) << 2);
      let at: usize = 0;
      for (; at < whole; at += 16) {
        const c = v128.load(cosines + angles + at);
        const s = f32x4.mul(v128.load(sines + angles + at), sign);
        const x = v128.load(first + at);
        const y = v128.load(first + bytes + at);
        v128.store(first + at, f32x4.sub(f32x4.mul(x, c), f32x4.mul(y, s)));
        v128.store(first + bytes + at, f32x4.add(f32x4.mul(x, s), f32x4.mul(y, c)));
      }
      for (; at < bytes; at += 4) {
        const c = f32.load(cosines + angles + at);
        const s = f32.load(sines + angles + at) * direction;
        const x = f32.load(first + at);
        const y = f32.load(first + bytes + at);
        f32.store(first + at, x * c - y * s);
        f32.store(first + bytes + at, x * s + y * c);
      }
    }
  }
}

/** Softmax over the first positions[i] + 1 scores of row i, times `scale`; the rest of the row becomes zero. Stride a multiple of 4. */
export function softmaxCausal(
  scores: usize,
  positions: usize,
  rows: i32,
  stride: i32,
  scale: f32,
): void {
  for (let i = 0; i < rows; i++) {
    const count = i32.load(positions + ((<usize>i) << 2)) + 1;
    softmaxRow(scores, count, scale);
    const filled = (<usize>((count + 3) & ~3)) << 2;
    memory.fill(scores + filled, 0, ((<usize>stride) << 2) - filled);
    scores += (<usize>stride) << 2;
  }
}

/** Softmax of `count` ≥ 1 scores times `scale`, in place; reads and zeroes up to three floats behind them. */
function softmaxRow(row: usize, count: i32, scale: f32): void {
  const whole = row + ((<usize>(count & ~3)) << 2);
  const rest = count & 3;
  let top = f32x4.splat(f32.load(row));
  for (let at = row; at < whole; at += 16) top = f32x4.max(top, v128.load(at));
  let most = maxLanes(top);
  for (let i = 0; i < rest; i++) most = max<f32>(most, f32.load(whole + ((<usize>i) << 2)));
  const shift = f32x4.splat(most);
  const scales = f32x4.splat(scale);
  let sum = f32x4.splat(0);
  for (let at = row; at < whole; at += 16) {
    const e = exp4(f32x4.mul(f32x4.sub(v128.load(at), shift), scales));
    v128.store(at, e);
    sum = f32x4.add(sum, e);
  }
  if (rest > 0) {
    const raw = exp4(f32x4.mul(f32x4.sub(v128.load(whole), shift), scales));
    const e = v128.and(raw, laneMask(rest));
    v128.store(whole, e);
    sum = f32x4.add(sum, e);
  }
  const inverse = f32x4.splat(1 / sumLanes(sum));
  for (let at = row; at < row + ((<usize>count) << 2); at += 16) {
    v128.store(at, f32x4.mul(v128.load(at), inverse));
  }
}

/** gradient = p · (gradient − Σ p · gradient) · scale by rows, in place; stride a multiple of 4. */
export function softmaxBackward(
  gradient: usize,
  p: usize,
  rows: i32,
  stride: i32,
  scale: f32,
): void {
  const bytes = (<usize>stride) << 2;
  const scales = f32x4.splat(scale);
  for (let i = 0; i < rows; i++) {
    let sum = f32x4.splat(0);
    for (let at: usize = 0; at < bytes; at += 16) {
      sum = f32x4.add(sum, f32x4.mul(v128.load(p + at), v128.load(gradient + at)));
    }
    const mean = f32x4.splat(sumLanes(sum));
    for (let at: usize = 0; at < bytes; at += 16) {
      const part = f32x4.sub(v128.load(gradient + at), mean);
      v128.store(gradient + at, f32x4.mul(f32x4.mul(v128.load(p + at), part), scales));
    }
    gradient += bytes;
    p += bytes;
  }
}

/** Writes `rows` × `width` transposed: target[j][column + i] = source[i][j]; rows of target are `stride` floats apart. */
export function transposeInto(
  target: usize,
  stride: i32,
  column: i32,
  source: usize,
  rows: i32,
  width: i32,
): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < width; j++) {
      const value = f32.load(source + ((<usize>(i * width + j)) << 2));
      f32.store(target + ((<usize>(j * stride + column + i)) << 2), value);
    }
  }
}

/**
 * One row of queries over its cached keys and values: those of the prompt, which rows may share, then its own.
 * Keys are transposed ([heads · headSize][stride], stride a multiple of 4), values are rows of heads · headSize.
 * Sums run in the order of `gemm`, so the result has the same bits as attention over the whole sequence.
 * `scores` is a work area of promptStride + ownStride floats; headSize is a multiple of 4.
 */
export function attendCached(
  target: usize,
  query: usize,
  promptKeys: usize,
  promptValues: usize,
  promptCount: i32,
  promptStride: i32,
  ownKeys: usize,
  ownValues: usize,
  ownCount: i32,
  ownStride: i32,
  heads: i32,
  headSize: i32,
  scale: f32,
  scores: usize,
): void {
  const width = (<usize>(heads * headSize)) << 2;
  for (let h = 0; h < heads; h++) {
    const feature = (<usize>(h * headSize)) << 2;
    const q = query + feature;
    const promptRow = (<usize>promptStride) << 2;
    const ownRow = (<usize>ownStride) << 2;
    const own = scores + ((<usize>promptCount) << 2);
    score(
      scores,
      q,
      promptKeys + <usize>(h * headSize) * promptRow,
      promptCount,
      promptRow,
      headSize,
    );
    score(own, q, ownKeys + <usize>(h * headSize) * ownRow, ownCount, ownRow, headSize);
    softmaxRow(scores, promptCount + ownCount, scale);
    const out = target + feature;
    memory.fill(out, 0, (<usize>headSize) << 2);
    blend(out, scores, promptValues + feature, promptCount, width, headSize);
    blend(out, own, ownValues + feature, ownCount, width, headSize);
  }
}

/** target[j] = Σ_i q[i] · keys[i][j]; writes up to three floats behind `count`. */
function score(target: usize, q: usize, keys: usize, count: i32, row: usize, headSize: i32): void {
  let j: usize = 0;
  const bytes = (<usize>count) << 2;
  for (; j + 48 < bytes; j += 64) {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let key = keys + j;
    for (let i = 0; i < headSize; i++) {
      const x = v128.load_splat<f32>(q + ((<usize>i) << 2));
      s0 = f32x4.add(s0, f32x4.mul(x, v128.load(key)));
      s1 = f32x4.add(s1, f32x4.mul(x, v128.load(key, 16)));
      s2 = f32x4.add(s2, f32x4.mul(x, v128.load(key, 32)));
      s3 = f32x4.add(s3, f32x4.mul(x, v128.load(key, 48)));
      key += row;
    }
    v128.store(target + j, s0);
    v128.store(target + j, s1, 16);
    v128.store(target + j, s2, 32);
    v128.store(target + j, s3, 48);
  }
  for (; j < bytes; j += 16) {
    let s = f32x4.splat(0);
    let key = keys + j;
    for (let i = 0; i < headSize; i++) {
      s = f32x4.add(s, f32x4.mul(v128.load_splat<f32>(q + ((<usize>i) << 2)), v128.load(key)));
      key += row;
    }
    v128.store(target + j, s);
  }
}

/** target += Σ_j p[j] · values[j], eight features at a time, then four. */
function blend(
  target: usize,
  p: usize,
  values: usize,
  count: i32,
  row: usize,
  headSize: i32,
): void {
  const bytes = (<usize>headSize) << 2;
  let f: usize = 0;
  for (; f + 32 <= bytes; f += 32) {
    let s0 = v128.load(target + f);
    let s1 = v128.load(target + f, 16);
    let value = values + f;
    for (let j = 0; j < count; j++) {
      const x = v128.load_splat<f32>(p + ((<usize>j) << 2));
      s0 = f32x4.add(s0, f32x4.mul(x, v128.load(value)));
      s1 = f32x4.add(s1, f32x4.mul(x, v128.load(value, 16)));
      value += row;
    }
    v128.store(target + f, s0);
    v128.store(target + f, s1, 16);
  }
  if (f == bytes) return;
  let s = v128.load(target + f);
  let value = values + f;
  for (let j = 0; j < count; j++) {
    const x = v128.load_splat<f32>(p + ((<usize>j) << 2));
    s = f32x4.add(s, f32x4.mul(x, v128.load(value)));
    value += row;
  }
  v128.store(target + f, s);
}
