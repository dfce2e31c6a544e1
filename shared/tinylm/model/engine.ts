import {
  loadKernels,
  WORK_FLOATS,
  type Arena,
  type Kernels,
  type Pointer,
  type Space,
} from '../kernels/load.ts';
import type { TinyConfig } from './config.ts';
import { layoutOf, type Block, type Layout } from './layout.ts';

/** A thread's own tables and work area. */
export interface EngineRoom {
  /** [positions, turning] */
  readonly cosines: Pointer;
  readonly sines: Pointer;
  readonly work: Pointer;
}

/** A model's parameters in memory with what computing on them needs. Each thread has its own, on shared parameters. */
export interface Engine extends EngineRoom {
  readonly config: TinyConfig;
  readonly layout: Layout;
  readonly kernels: Kernels;
  readonly space: Space;
  readonly parameters: Pointer;
  readonly headSize: number;
  /** Pairs of features that turn in each head: half of its features. */
  readonly turning: number;
}

/** Embeddings are drawn with deviation 1 / √d for the output; at the input they are brought to 1. */
export function embeddingScale(config: TinyConfig): number {
  return Math.sqrt(config.hidden_size);
}

/** One more than the model's longest text, as every sequence begins with the end token. */
export function positionsOf(config: TinyConfig): number {
  return config.max_position_embeddings + 1;
}

function shapeOf(config: TinyConfig) {
  const headSize = config.hidden_size / config.num_attention_heads;
  const turning = headSize / 4;
  return { headSize, turning, angles: positionsOf(config) * turning };
}

export function takeEngineRoom(arena: Arena, config: TinyConfig): EngineRoom {
  const { angles } = shapeOf(config);
  return {
    cosines: arena.take(angles),
    sines: arena.take(angles),
    work: arena.take(WORK_FLOATS),
  };
}

export function createEngine(
  space: Space,
  config: TinyConfig,
  parameters: Pointer,
  room: EngineRoom,
): Engine {
  const kernels = loadKernels(space.memory);
  const { headSize, turning, angles } = shapeOf(config);
  for (let i = 0; i < angles; i++) {
    const angle = Math.floor(i / turning) * config.rope_theta ** (-(i % turning) / turning);
    space.floats[room.cosines / 4 + i] = Math.cos(angle);
    space.floats[room.sines / 4 + i] = Math.sin(angle);
  }
  const layout = layoutOf(config);
  return { ...room, config, layout, kernels, space, parameters, headSize, turning };
}

/** y [rows, out] = x [rows, in] · Wᵀ, added to y with `accumulate`. */
export function project(
  { kernels, parameters, work }: Engine,
  block: Block,
  x: Pointer,
  y: Pointer,
  rows: number,
  accumulate = 0,
): void {
  const { rows: out, columns: into } = block;
  const w = parameters + block.offset * 4;
  kernels.gemm(rows, out, into, x, into, 1, w, 1, into, y, out, accumulate, work);
}

/** dx [rows, in] = dy [rows, out] · W, added to dx with `accumulate`. */
export function projectBack(
  { kernels, parameters, work }: Engine,
  block: Block,
  dy: Pointer,
  dx: Pointer,
  rows: number,
  accumulate = 0,
): void {
  const { rows: out, columns: into } = block;
  const w = parameters + block.offset * 4;
  kernels.gemm(rows, into, out, dy, out, 1, w, into, 1, dx, into, accumulate, work);
}

/** dW += dyᵀ · x. */
export function addWeightGradient(
  { kernels, work }: Engine,
  block: Block,
  gradient: Pointer,
  dy: Pointer,
  x: Pointer,
  rows: number,
): void {
  const { rows: out, columns: into } = block;
  const dw = gradient + block.offset * 4;
  kernels.gemm(out, into, rows, dy, 1, out, x, into, 1, dw, into, 1, work);
}
