import { expect } from 'vitest';
import {
  createArena,
  createSpace,
  loadKernels,
  type Pointer,
} from '../../shared/tinylm/kernels/load.ts';

const GUARD_FLOATS = 64;
const SENTINEL = 0x7fc0_1234; // a NaN: what is read from a guard by mistake spoils the result

/** Kernel memory whose buffers lie between guards, so that a test sees any byte read or written outside them. */
export function createGuardedMemory(floats: number) {
  const space = createSpace(floats);
  const kernels = loadKernels(space.memory);
  const arena = createArena();
  space.ints.fill(SENTINEL);
  const taken: { at: Pointer; length: number }[] = [];

  function take(length: number): Pointer {
    arena.take(GUARD_FLOATS);
    const at = arena.take(length);
    arena.take(GUARD_FLOATS);
    taken.push({ at, length });
    return at;
  }

  return {
    kernels,
    take,
    work: take(kernels.workFloats()),
    /** A buffer that holds `values`. */
    put: (values: ArrayLike<number>): Pointer => {
      const at = take(values.length);
      space.floats.set(values, at / 4);
      return at;
    },
    putIntegers: (values: ArrayLike<number>): Pointer => {
      const at = take(values.length);
      space.ints.set(values, at / 4);
      return at;
    },
    read: (at: Pointer, length: number) => space.floats.slice(at / 4, at / 4 + length),
    /** Fails if anything around a buffer has changed. */
    expectGuardsIntact: () => {
      for (const { at, length } of taken) {
        const start = at / 4;
        const around = [
          ...space.ints.subarray(start - GUARD_FLOATS, start),
          ...space.ints.subarray(start + length, start + length + GUARD_FLOATS),
        ];
        expect(around.every((value) => value === SENTINEL)).toBe(true);
      }
    },
  };
}

/** Numbers in (−1, 1) that look random and are the same in every run. */
export function waves(count: number, phase = 0): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898 + phase * 78.233));
}
