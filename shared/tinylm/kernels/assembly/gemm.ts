import { packFour } from './pack';

/** Blocks sized so that a packed block of A and the panel of B in use stay in the first two cache levels. */
const ROWS: i32 = 128;
const DEPTH: i32 = 256;
const COLUMNS: i32 = 512;
const TILE_BYTES: usize = 128;

/** Size of the work area that `gemm` and `gemmPacked` need. */
export function workFloats(): i32 {
  return 32 + ROWS * DEPTH + DEPTH * COLUMNS;
}

/** Size of B (`depth` × `columns`) once packed by `packColumns`. */
export function packedFloats(depth: i32, columns: i32): i32 {
  return depth * ((columns + 7) & ~7);
}

/**
 * C (m × n, row stride cRow) = A (m × k) · B (k × n), or C += with `accumulate`; A and B with any strides, so the
 * same kernel multiplies transposes. Sums run over k in ascending order, each in one f32 accumulator (K2).
 */
export function gemm(
  m: i32,
  n: i32,
  k: i32,
  a: usize,
  aRow: i32,
  aColumn: i32,
  b: usize,
  bRow: i32,
  bColumn: i32,
  c: usize,
  cRow: i32,
  accumulate: i32,
  work: usize,
): void {
  const packedB = work + TILE_BYTES + ((<usize>(ROWS * DEPTH)) << 2);
  for (let n0 = 0; n0 < n; n0 += COLUMNS) {
    const columns = min(COLUMNS, n - n0);
    for (let k0 = 0; k0 < k; k0 += DEPTH) {
      const depth = min(DEPTH, k - k0);
      packColumns(
        packedB,
        b + ((<usize>(k0 * bRow + n0 * bColumn)) << 2),
        depth,
        columns,
        bRow,
        bColumn,
      );
      rowBlocks(
        m,
        columns,
        depth,
        ROWS,
        a + ((<usize>(k0 * aColumn)) << 2),
        aRow,
        aColumn,
        packedB,
        c + ((<usize>n0) << 2),
        cRow,
        accumulate | i32(k0 > 0),
        work,
      );
    }
  }
}

/** As `gemm`, with B packed beforehand by `packColumns`; k at most 8192. */
export function gemmPacked(
  m: i32,
  n: i32,
  k: i32,
  a: usize,
  aRow: i32,
  packedB: usize,
  c: usize,
  cRow: i32,
  accumulate: i32,
  work: usize,
): void {
  const rows = max(4, min(ROWS, (ROWS * DEPTH) / k) & ~3);
  rowBlocks(m, n, k, rows, a, aRow, 1, packedB, c, cRow, accumulate, work);
}

/** Packs B (depth × columns) into panels of 8 columns, the last one filled up with zeros. */
export function packColumns(
  target: usize,
  b: usize,
  depth: i32,
  columns: i32,
  bRow: i32,
  bColumn: i32,
): void {
  for (let j = 0; j < columns; j += 8) {
    const source = b + ((<usize>(j * bColumn)) << 2);
    packFour(target, source, columns - j, depth, bColumn, bRow, 32);
    const right = source + ((<usize>(4 * bColumn)) << 2);
    packFour(target + 16, right, columns - j - 4, depth, bColumn, bRow, 32);
    target += (<usize>depth) << 5;
  }
}

function rowBlocks(
  m: i32,
  n: i32,
  k: i32,
  blockRows: i32,
  a: usize,
  aRow: i32,
  aColumn: i32,
  packedB: usize,
  c: usize,
  cRow: i32,
  accumulate: i32,
  work: usize,
): void {
  const packedA = work + TILE_BYTES;
  for (let m0 = 0; m0 < m; m0 += blockRows) {
    const rows = min(blockRows, m - m0);
    let target = packedA;
    for (let i = 0; i < rows; i += 4) {
      const source = a + ((<usize>((m0 + i) * aRow)) << 2);
      packFour(target, source, rows - i, k, aRow, aColumn, 16);
      target += (<usize>k) << 4;
    }
    const corner = c + ((<usize>(m0 * cRow)) << 2);
    for (let j = 0; j < n; j += 8) {
      const panel = packedB + ((<usize>j * <usize>k) << 2);
      for (let i = 0; i < rows; i += 4) {
        const at = corner + ((<usize>(i * cRow + j)) << 2);
        const panelA = packedA + ((<usize>i * <usize>k) << 2);
        if (rows - i >= 4 && n - j >= 8) {
          tile(k, panelA, panel, at, (<usize>cRow) << 2, accumulate);
        } else {
          edge(min(4, rows - i), min(8, n - j), k, panelA, panel, at, cRow, accumulate, work);
        }
      }
    }
  }
}

/** A tile that reaches over the border of C is computed in the work area, and its valid part copied. */
function edge(
  rows: i32,
  columns: i32,
  k: i32,
  a: usize,
  b: usize,
  c: usize,
  cRow: i32,
  accumulate: i32,
  work: usize,
): void {
  if (accumulate) copyTile(work, 8, c, cRow, rows, columns);
  tile(k, a, b, work, 32, accumulate);
  copyTile(c, cRow, work, 8, rows, columns);
}

function copyTile(
  target: usize,
  targetRow: i32,
  source: usize,
  sourceRow: i32,
  rows: i32,
  columns: i32,
): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const value = f32.load(source + ((<usize>(i * sourceRow + j)) << 2));
      f32.store(target + ((<usize>(i * targetRow + j)) << 2), value);
    }
  }
}

/** 4 × 8 outputs in eight registers. `row` is the distance in bytes between rows of C. */
function tile(k: i32, a: usize, b: usize, c: usize, row: usize, accumulate: i32): void {
  let c00 = f32x4.splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  const r1 = c + row;
  const r2 = r1 + row;
  const r3 = r2 + row;
  if (accumulate) {
    c00 = v128.load(c);
    c01 = v128.load(c, 16);
    c10 = v128.load(r1);
    c11 = v128.load(r1, 16);
    c20 = v128.load(r2);
    c21 = v128.load(r2, 16);
    c30 = v128.load(r3);
    c31 = v128.load(r3, 16);
  }
  for (const end = a + ((<usize>k) << 4); a < end; a += 16, b += 32) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load_splat<f32>(a);
    c00 = f32x4.add(c00, f32x4.mul(a0, b0));
    c01 = f32x4.add(c01, f32x4.mul(a0, b1));
    const a1 = v128.load_splat<f32>(a, 4);
    c10 = f32x4.add(c10, f32x4.mul(a1, b0));
    c11 = f32x4.add(c11, f32x4.mul(a1, b1));
    const a2 = v128.load_splat<f32>(a, 8);
    c20 = f32x4.add(c20, f32x4.mul(a2, b0));
    c21 = f32x4.add(c21, f32x4.mul(a2, b1));
    const a3 = v128.load_splat<f32>(a, 12);
    c30 = f32x4.add(c30, f32x4.mul(a3, b0));
    c31 = f32x4.add(c31, f32x4.mul(a3, b1));
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(r1, c10);
  v128.store(r1, c11, 16);
  v128.store(r2, c20);
  v128.store(r2, c21, 16);
  v128.store(r3, c30);
  v128.store(r3, c31, 16);
}
