/** target[i] = source[index[i]] for `rows` rows of `width` floats (width a multiple of 4). */
export function gatherRows(
  target: usize,
  source: usize,
  index: usize,
  rows: i32,
  width: i32,
): void {
  const bytes = (<usize>width) << 2;
  for (let i = 0; i < rows; i++) {
    const from = source + <usize>i32.load(index + ((<usize>i) << 2)) * bytes;
    memory.copy(target + <usize>i * bytes, from, bytes);
  }
}

/** target[index[i]] += source[i] for `rows` rows of `width` floats (width a multiple of 4). */
export function scatterAddRows(
  target: usize,
  source: usize,
  index: usize,
  rows: i32,
  width: i32,
): void {
  const bytes = (<usize>width) << 2;
  for (let i = 0; i < rows; i++) {
    const to = target + <usize>i32.load(index + ((<usize>i) << 2)) * bytes;
    add(to, source + <usize>i * bytes, width);
  }
}

/** target += source over `count` floats (a multiple of 4). */
export function add(target: usize, source: usize, count: i32): void {
  const end = target + ((<usize>count) << 2);
  for (; target < end; target += 16, source += 16) {
    v128.store(target, f32x4.add(v128.load(target), v128.load(source)));
  }
}
