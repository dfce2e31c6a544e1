import { describe, expect, test } from 'vitest';
import { createSpace, loadKernels, WORK_FLOATS } from '../../shared/tinylm/kernels/load.ts';
import { createGuardedMemory, waves } from '../support/guarded-memory.ts';

/** [m, n, k]: below, at and beyond the tile of 4 × 8, and beyond each cache block (128 rows, 512 columns, 256 deep). */
const shapes: [number, number, number][] = [
  [1, 1, 1],
  [3, 7, 5],
  [4, 8, 4],
  [5, 9, 17],
  [131, 15, 33],
  [6, 517, 8],
  [7, 10, 515],
];

function product(
  [m, n, k]: [number, number, number],
  a: (i: number, p: number) => number,
  b: (p: number, j: number) => number,
): number[] {
  return Array.from({ length: m * n }, (_, at) => {
    let sum = 0;
    for (let p = 0; p < k; p++)
      sum = Math.fround(sum + Math.fround(a(Math.floor(at / n), p) * b(p, at % n)));
    return sum;
  });
}

describe.each(shapes)('C = A · B with m %i, n %i, k %i', (m, n, k) => {
  const a = waves(m * k, 1);
  const b = waves(k * n, 2);
  const at = (values: Float32Array, i: number) => values[i] ?? Number.NaN;

  test.each([
    { name: 'A · B', aRow: k, aColumn: 1, bRow: n, bColumn: 1 },
    { name: 'Aᵀ · B', aRow: 1, aColumn: m, bRow: n, bColumn: 1 },
    { name: 'A · Bᵀ', aRow: k, aColumn: 1, bRow: 1, bColumn: k },
    { name: 'Aᵀ · Bᵀ', aRow: 1, aColumn: m, bRow: 1, bColumn: k },
  ])('$name equals the sum in ascending order bit for bit, within its bounds', (strides) => {
    const { kernels, put, take, work, read, expectGuardsIntact } = createGuardedMemory(400_000);
    const { aRow, aColumn, bRow, bColumn } = strides;
    const pointers = { a: put(a), b: put(b), c: take(m * n) };
    kernels.gemm(
      ...([
        m,
        n,
        k,
        pointers.a,
        aRow,
        aColumn,
        pointers.b,
        bRow,
        bColumn,
        pointers.c,
        n,
        0,
        work,
      ] as const),
    );
    const expected = product(
      [m, n, k],
      (i, p) => at(a, i * aRow + p * aColumn),
      (p, j) => at(b, p * bRow + j * bColumn),
    );
    expect([...read(pointers.c, m * n)]).toEqual(expected);
    expectGuardsIntact();
  });

  test('accumulating continues the sum that stands in C', () => {
    const { kernels, put, take, work, read } = createGuardedMemory(400_000);
    const pointers = { a: put(a), b: put(b), c: take(m * n), parts: take(m * n) };
    kernels.gemm(m, n, k, pointers.a, k, 1, pointers.b, n, 1, pointers.c, n, 0, work);
    const half = Math.floor(k / 2);
    kernels.gemm(m, n, half, pointers.a, k, 1, pointers.b, n, 1, pointers.parts, n, 0, work);
    kernels.gemm(
      ...([m, n, k - half, pointers.a + half * 4, k, 1] as const),
      ...([pointers.b + half * n * 4, n, 1, pointers.parts, n, 1, work] as const),
    );
    if (half > 0) expect(read(pointers.parts, m * n)).toEqual(read(pointers.c, m * n));
  });

  test('a matrix packed beforehand gives the same bits', () => {
    const { kernels, put, take, work, read, expectGuardsIntact } = createGuardedMemory(800_000);
    const pointers = { a: put(a), b: put(b), c: take(m * n), again: take(m * n) };
    const packed = take(kernels.packedFloats(k, n));
    kernels.gemm(m, n, k, pointers.a, k, 1, pointers.b, n, 1, pointers.c, n, 0, work);
    kernels.packColumns(packed, pointers.b, k, n, n, 1);
    kernels.gemmPacked(m, n, k, pointers.a, k, packed, pointers.again, n, 0, work);
    expect(read(pointers.again, m * n)).toEqual(read(pointers.c, m * n));
    expectGuardsIntact();
  });
});

test('loading the kernels writes nothing into the memory', () => {
  const space = createSpace(20_000);
  space.ints.fill(7);
  loadKernels(space.memory);
  expect(space.ints.every((value) => value === 7)).toBe(true);
});

test('the planned work area is as large as the kernels ask for', () => {
  expect(createGuardedMemory(200_000).kernels.workFloats()).toBe(WORK_FLOATS);
});
