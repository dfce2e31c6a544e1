import { describe, expect, test } from 'vitest';
import { createGuardedMemory, waves } from '../support/guarded-memory.ts';

const guarded = () => createGuardedMemory(200_000);
const at = (values: ArrayLike<number>, i: number) => values[i] ?? Number.NaN;

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-5) {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < actual.length; i++)
    expect(Math.abs(at(actual, i) - at(expected, i))).toBeLessThan(tolerance);
}

describe('exponential', () => {
  test('is within 3e-7 of Math.exp from -87 to 88', () => {
    const { kernels, put, take, read } = guarded();
    const x = Float32Array.from({ length: 2001 }, (_, i) => -87 + (i * 175) / 2000);
    const target = take(x.length);
    kernels.exponential(target, put(x), x.length);
    for (const [i, y] of read(target, x.length).entries())
      expect(Math.abs(y / Math.exp(at(x, i)) - 1)).toBeLessThan(3e-7);
  });

  test('stays finite outside', () => {
    const { kernels, put, take, read } = guarded();
    const target = take(2);
    kernels.exponential(target, put([-1e30, 1e30]), 2);
    const [low, high] = read(target, 2);
    expect(low).toBeLessThan(1e-37);
    expect(high).toBeLessThan(Infinity);
  });
});

describe.each([
  { rows: 1, width: 4 },
  { rows: 3, width: 20 },
])('on $rows rows of $width', ({ rows, width }) => {
  const count = rows * width;

  test('rmsNorm gives rows of mean square 1, and their inverse scale', () => {
    const { kernels, put, take, read, expectGuardsIntact } = guarded();
    const x = waves(count, 3);
    const pointers = { x: put(x), y: take(count), inverse: take(rows) };
    kernels.rmsNorm(pointers.y, pointers.x, pointers.inverse, rows, width);
    const y = read(pointers.y, count);
    const inverse = read(pointers.inverse, rows);
    for (let r = 0; r < rows; r++) {
      const row = y.subarray(r * width, (r + 1) * width);
      expect(row.reduce((sum, v) => sum + v * v, 0) / width).toBeCloseTo(1, 4);
      expect(at(row, 0) / at(x, r * width)).toBeCloseTo(at(inverse, r), 4);
    }
    expectGuardsIntact();
  });

  test('gathering and scattering rows are each other’s transpose', () => {
    const { kernels, put, putIntegers, take, read, expectGuardsIntact } = guarded();
    const x = waves(count, 4);
    const index = putIntegers(Array.from({ length: rows }, (_, i) => rows - 1 - i));
    const pointers = { x: put(x), y: take(count), z: put(x) };
    kernels.gatherRows(pointers.y, pointers.x, index, rows, width);
    expect(read(pointers.y, width)).toEqual(x.slice(count - width));
    kernels.scatterAddRows(pointers.z, pointers.y, index, rows, width);
    expectClose(
      read(pointers.z, count),
      x.map((v) => 2 * v),
    );
    expectGuardsIntact();
  });

  test('the squared ReLU and its gradient', () => {
    const { kernels, put, take, read, expectGuardsIntact } = guarded();
    const x = waves(count, 5);
    const pointers = { x: put(x), y: take(count), g: put(x.map(() => 3)) };
    kernels.squaredRelu(pointers.y, pointers.x, count);
    kernels.squaredReluBackward(pointers.g, pointers.x, count);
    expectClose(
      read(pointers.y, count),
      x.map((v) => Math.max(v, 0) ** 2),
    );
    expectClose(
      read(pointers.g, count),
      x.map((v) => 6 * Math.max(v, 0)),
    );
    expectGuardsIntact();
  });

  test('the embedding weighs the tokens of a window by its taps, without those before the beginning', () => {
    const { kernels, put, putIntegers, take, read, expectGuardsIntact } = guarded();
    const table = waves(5 * width, 6);
    const taps = waves(2 * width, 7);
    const window = Array.from({ length: rows }, (_, r) => [r, r - 1]).flat();
    const pointers = { table: put(table), taps: put(taps), window: putIntegers(window) };
    const y = take(count);
    kernels.embed(y, pointers.table, pointers.taps, pointers.window, rows, 2, width, 3);
    const expected = Array.from({ length: count }, (_, i) => {
      const [r, c] = [Math.floor(i / width), i % width];
      const before = r > 0 ? at(table, (r - 1) * width + c) * at(taps, width + c) : 0;
      return 3 * (at(table, r * width + c) * at(taps, c) + before);
    });
    expectClose(read(y, count), expected);
    expectGuardsIntact();
  });
});

describe('rotary positions', () => {
  test.each([
    { headSize: 4, half: 1 },
    { headSize: 16, half: 4 },
    { headSize: 24, half: 6 },
  ])('turn pairs of a head of $headSize by their angle, and back', ({ headSize, half }) => {
    const { kernels, put, putIntegers, read, expectGuardsIntact } = guarded();
    const x = waves(2 * 2 * headSize, 8);
    const angles = Array.from(
      { length: 3 * half },
      (_, i) => Math.floor(i / half) / (1 + (i % half)),
    );
    const rows = put(x);
    const how = [
      putIntegers([0, 2]),
      put(angles.map(Math.cos)),
      put(angles.map(Math.sin)),
    ] as const;
    kernels.rotate(rows, ...how, 2, 2, headSize, half, 1);
    const turned = read(rows, x.length);
    expect(turned.subarray(0, 2 * headSize)).toEqual(x.subarray(0, 2 * headSize)); // position 0
    const [a, b] = [at(x, 2 * headSize), at(x, 2 * headSize + half)];
    expect(at(turned, 2 * headSize)).toBeCloseTo(a * Math.cos(2) - b * Math.sin(2), 5);
    expect(turned.subarray(2 * headSize + 2 * half, 3 * headSize)).toEqual(
      x.subarray(2 * headSize + 2 * half, 3 * headSize),
    );
    kernels.rotate(rows, ...how, 2, 2, headSize, half, -1);
    expectClose(read(rows, x.length), x);
    expectGuardsIntact();
  });
});

describe('attention', () => {
  test('the causal softmax sums to 1 over what a row may see, and is 0 behind it', () => {
    const { kernels, put, putIntegers, read, expectGuardsIntact } = guarded();
    const positions = [0, 2, 3, 4, 9];
    const scores = put(waves(5 * 12, 9).map((v) => v * 50));
    kernels.softmaxCausal(scores, putIntegers(positions), 5, 12, 0.5);
    for (const [i, position] of positions.entries()) {
      const row = read(scores + i * 48, 12);
      expect(row.subarray(0, position + 1).reduce((a, b) => a + b)).toBeCloseTo(1, 5);
      expect([...row.subarray(position + 1)].every((v) => v === 0)).toBe(true);
    }
    expectGuardsIntact();
  });

  test.each([
    { prompt: 1, own: 1, headSize: 4 },
    { prompt: 5, own: 3, headSize: 12 },
    { prompt: 16, own: 4, headSize: 8 },
    { prompt: 67, own: 18, headSize: 20 },
  ])('over $prompt cached and $own own keys of $headSize features', (shape) => {
    const { kernels, put, take, read, expectGuardsIntact } = guarded();
    const { prompt, own, headSize } = shape;
    const [heads, total] = [2, prompt + own];
    const width = heads * headSize;
    const keys = waves(total * width, 10);
    const values = waves(total * width, 11);
    const query = waves(width, 12);
    const strideOf = (count: number) => Math.ceil(count / 4) * 4;
    const cached = (from: number, to: number) => {
      const target = put(new Float32Array(strideOf(to - from) * width));
      const source = put(keys.slice(from * width, to * width));
      kernels.transposeInto(target, strideOf(to - from), 0, source, to - from, width);
      return [
        target,
        put(values.slice(from * width, to * width)),
        to - from,
        strideOf(to - from),
      ] as const;
    };
    const target = take(width);
    kernels.attendCached(
      ...([target, put(query), ...cached(0, prompt), ...cached(prompt, total)] as const),
      ...([heads, headSize, 0.3, take(strideOf(prompt) + strideOf(own))] as const),
    );
    const expected = Array.from({ length: width }, (_, f) => {
      const first = Math.floor(f / headSize) * headSize;
      const weights = Array.from({ length: total }, (_, j) => {
        let score = 0;
        for (let i = first; i < first + headSize; i++)
          score += at(query, i) * at(keys, j * width + i);
        return Math.exp(score * 0.3);
      });
      const sum = weights.reduce((a, b) => a + b);
      return weights.reduce((mixed, w, j) => mixed + (w / sum) * at(values, j * width + f), 0);
    });
    expectClose(read(target, width), expected);
    expectGuardsIntact();
  });
});

test.each([5, 8, 12])('cross-entropy over %i classes and its gradient', (columns) => {
  const { kernels, put, putIntegers, take, read, expectGuardsIntact } = guarded();
  const logits = waves(2 * 12, 13).map((v) => v * 4);
  const pointers = { logits: put(logits), losses: take(4), targets: putIntegers([1, columns - 1]) };
  kernels.crossEntropy(pointers.logits, pointers.targets, pointers.losses, 2, columns, 12, 0.5);
  for (const [i, target] of [1, columns - 1].entries()) {
    const e = Array.from(logits.subarray(i * 12, i * 12 + columns), Math.exp);
    const sum = e.reduce((a, b) => a + b);
    const [margin, total] = read(pointers.losses + i * 8, 2);
    expect((margin ?? 0) + Math.log(total ?? 0)).toBeCloseTo(-Math.log(at(e, target) / sum), 5);
    const gradient = Array.from({ length: 12 }, (_, j) =>
      j < columns ? 0.5 * (at(e, j) / sum - (j === target ? 1 : 0)) : 0,
    );
    expectClose(read(pointers.logits + i * 48, 12), gradient);
  }
  expectGuardsIntact();
});

describe('the optimizer', () => {
  test('sums shards in order and takes the squared norm', () => {
    const { kernels, put, take, read, expectGuardsIntact } = guarded();
    const shards = waves(3 * 8, 14);
    const target = take(8);
    kernels.sumShards(target, put(shards), 8, 3, 8);
    const sums = Float32Array.from({ length: 8 }, (_, i) =>
      Math.fround(Math.fround(at(shards, i) + at(shards, 8 + i)) + at(shards, 16 + i)),
    );
    expect(read(target, 8)).toEqual(sums);
    expect(kernels.squaredNorm(target, 8)).toBeCloseTo(
      sums.reduce((a, x) => a + x * x, 0),
      10,
    );
    expectGuardsIntact();
  });

  test('takes AdamW’s step', () => {
    const { kernels, put, read, expectGuardsIntact } = guarded();
    const [w, g, m, v] = [15, 16, 17, 18].map((phase) => waves(8, phase)) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const pointers = { w: put(w), g: put(g), m: put(m), v: put(v.map(Math.abs)) };
    kernels.adamW(
      ...([pointers.w, pointers.g, pointers.m, pointers.v, 8] as const),
      ...([0.01, 0.001, 0.5, 0.9, 0.98, 2, 3, 1e-8] as const),
    );
    const expected = Array.from(w, (weight, i) => {
      const gradient = at(g, i) * 0.5;
      const first = at(m, i) * 0.9 + gradient * 0.1;
      const second = Math.abs(at(v, i)) * 0.98 + gradient ** 2 * 0.02;
      return weight * 0.999 - (0.01 * 2 * first) / (Math.sqrt(second * 3) + 1e-8);
    });
    expectClose(read(pointers.w, 8), expected);
    expectGuardsIntact();
  });
});

describe('sampling', () => {
  const logits = [1, 3, -2, 3, 0.5, -1e-9, 2];

  test('argmax takes the first of equals', () => {
    const { kernels, put } = guarded();
    expect(kernels.argmax(put(logits), 7)).toBe(1);
  });

  test.each([
    [1, [1]],
    [2, [1, 3]],
    [3, [1, 3, 6]],
    [6, [0, 1, 3, 4, 5, 6]],
    [7, [0, 1, 2, 3, 4, 5, 6]],
    [0, [0, 1, 2, 3, 4, 5, 6]],
  ])('the top %i are kept, of equals the first', (top, kept) => {
    const { kernels, put, take, read, expectGuardsIntact } = guarded();
    const weights = take(7);
    const values = put(logits);
    kernels.temper(weights, values, 7, 2);
    kernels.cutBelow(weights, values, 7, top);
    const left = [...read(weights, 7).entries()].filter(([, w]) => w > 0).map(([i]) => i);
    expect(left).toEqual(kept);
    expectGuardsIntact();
  });

  test('picks by the inverse of the cumulative weights, and never a weight of 0', () => {
    const { kernels, put } = guarded();
    const weights = put([0, 1, 0, 2, 1, 0]);
    const picked = [0, 0.2499, 0.25, 0.5, 0.7499, 0.75, 0.999999999999].map((u) =>
      kernels.pick(weights, 6, u),
    );
    expect(picked).toEqual([1, 1, 3, 3, 3, 4, 4]);
  });
});
