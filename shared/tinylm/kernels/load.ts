import { readFileSync } from 'node:fs';

/** Byte address in the kernels' memory. */
export type Pointer = number;

/** What `assembly/index.ts` exports; each kernel is described where it is written. */
export interface Kernels {
  exponential(target: Pointer, source: Pointer, count: number): void;
  workFloats(): number;
  packedFloats(depth: number, columns: number): number;
  gemm(
    ...args: [
      m: number,
      n: number,
      k: number,
      a: Pointer,
      aRow: number,
      aColumn: number,
      b: Pointer,
      bRow: number,
      bColumn: number,
      c: Pointer,
      cRow: number,
      accumulate: number,
      work: Pointer,
    ]
  ): void;
  gemmPacked(
    ...args: [
      m: number,
      n: number,
      k: number,
      a: Pointer,
      aRow: number,
      packedB: Pointer,
      c: Pointer,
      cRow: number,
      accumulate: number,
      work: Pointer,
    ]
  ): void;
  packColumns(
    ...args: [
      target: Pointer,
      b: Pointer,
      depth: number,
      columns: number,
      bRow: number,
      bColumn: number,
    ]
  ): void;
  gatherRows(
    ...args: [target: Pointer, source: Pointer, index: Pointer, rows: number, width: number]
  ): void;
  scatterAddRows(
    ...args: [target: Pointer, source: Pointer, index: Pointer, rows: number, width: number]
  ): void;
  add(target: Pointer, source: Pointer, count: number): void;
  rmsNorm(
    ...args: [target: Pointer, source: Pointer, inverse: Pointer, rows: number, width: number]
  ): void;
  rmsNormBackward(
    ...args: [dx: Pointer, dy: Pointer, y: Pointer, inverse: Pointer, rows: number, width: number]
  ): void;
  embed(
    ...args: [
      target: Pointer,
      table: Pointer,
      taps: Pointer,
      window: Pointer,
      rows: number,
      count: number,
      width: number,
      scale: number,
    ]
  ): void;
  embedBackward(
    ...args: [
      dTable: Pointer,
      dTaps: Pointer,
      dy: Pointer,
      table: Pointer,
      taps: Pointer,
      window: Pointer,
      rows: number,
      count: number,
      width: number,
      scale: number,
    ]
  ): void;
  rotate(
    ...args: [
      rows: Pointer,
      positions: Pointer,
      cosines: Pointer,
      sines: Pointer,
      count: number,
      heads: number,
      headSize: number,
      half: number,
      direction: number,
    ]
  ): void;
  softmaxCausal(
    ...args: [scores: Pointer, positions: Pointer, rows: number, stride: number, scale: number]
  ): void;
  softmaxBackward(
    ...args: [gradient: Pointer, p: Pointer, rows: number, stride: number, scale: number]
  ): void;
  transposeInto(
    ...args: [
      target: Pointer,
      stride: number,
      column: number,
      source: Pointer,
      rows: number,
      width: number,
    ]
  ): void;
  attendCached(
    ...args: [
      target: Pointer,
      query: Pointer,
      promptKeys: Pointer,
      promptValues: Pointer,
      promptCount: number,
      promptStride: number,
      ownKeys: Pointer,
      ownValues: Pointer,
      ownCount: number,
      ownStride: number,
      heads: number,
      headSize: number,
      scale: number,
      scores: Pointer,
    ]
  ): void;
  squaredRelu(target: Pointer, source: Pointer, count: number): void;
  squaredReluBackward(gradient: Pointer, source: Pointer, count: number): void;
  crossEntropy(
    ...args: [
      logits: Pointer,
      targets: Pointer,
      losses: Pointer,
      rows: number,
      columns: number,
      stride: number,
      scale: number,
    ]
  ): void;
  sumShards(
    ...args: [target: Pointer, shards: Pointer, stride: number, number: number, count: number]
  ): void;
  squaredNorm(source: Pointer, count: number): number;
  adamW(
    ...args: [
      weights: Pointer,
      gradient: Pointer,
      first: Pointer,
      second: Pointer,
      count: number,
      rate: number,
      decay: number,
      clip: number,
      beta1: number,
      beta2: number,
      correction1: number,
      correction2: number,
      epsilon: number,
    ]
  ): void;
  argmax(values: Pointer, count: number): number;
  sumExponentials(values: Pointer, count: number): number;
  temper(target: Pointer, values: Pointer, count: number, temperature: number): void;
  cutBelow(weights: Pointer, values: Pointer, count: number, top: number): void;
  pick(weights: Pointer, count: number, u: number): number;
}

/** Size of the work area of `gemm`, for planning before there is a memory; equals `workFloats()`. */
export const WORK_FLOATS = 163_872;

const PAGE_BYTES = 65_536;
const FIRST_BYTE = 1024;

/** One memory that all workers of an engine share, with views of its whole length. */
export interface Space {
  memory: WebAssembly.Memory;
  floats: Float32Array;
  ints: Int32Array;
}

/** A memory for `floats` values; throws RangeError when the machine has not that much. */
export function createSpace(floats: number): Space {
  const pages = Math.ceil((FIRST_BYTE + floats * 4) / PAGE_BYTES) + 1;
  return spaceOf(new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }));
}

export function spaceOf(memory: WebAssembly.Memory): Space {
  return {
    memory,
    floats: new Float32Array(memory.buffer),
    ints: new Int32Array(memory.buffer),
  };
}

export function loadKernels(memory: WebAssembly.Memory): Kernels {
  const wasm = readFileSync(new URL('./kernels.wasm', import.meta.url));
  const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: { memory } });
  return instance.exports as Kernels;
}

/**
 * Plans a space before it is created: hands out neighbouring regions, in floats, at addresses that are multiples of 64
 * bytes.
 */
export interface Arena {
  take(floats: number): Pointer;
  /** Floats handed out so far, with the gaps that alignment leaves. */
  taken(): number;
}

export function createArena(): Arena {
  let next = FIRST_BYTE;
  return {
    take: (floats) => {
      const at = next;
      next += Math.ceil(floats / 16) * 64;
      return at;
    },
    taken: () => (next - FIRST_BYTE) / 4,
  };
}
