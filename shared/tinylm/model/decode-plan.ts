import { createArena, type Arena, type Kernels, type Pointer } from '../kernels/load.ts';
import { strideOf, takeForwardActivations, type Activations } from './activations.ts';
import type { TinyConfig } from './config.ts';
import { positionsOf, takeEngineRoom, type EngineRoom } from './engine.ts';
import { layoutOf, type Block } from './layout.ts';

/** Lanes (sequences that are continued) a thread decodes together. */
export const MAX_LANES = 64;

/** Rows of prompts that go through the model together. */
export const PREFILL_ROWS = 512;

/** Cached tokens of prompts, and of completions, in a thread's work of one question. */
const CACHED_TOKENS = 4096;

/** Keys transposed and values, by layer. */
export interface Cache {
  readonly keys: Pointer;
  readonly values: Pointer;
}

export interface DecodeRoom {
  readonly engine: EngineRoom;
  readonly prefill: Activations;
  readonly prompts: readonly Cache[];
  readonly own: readonly Cache[];
  /** [MAX_LANES, vocabulary]: behind each prompt, and behind each lane. */
  readonly promptLogits: Pointer;
  readonly logits: Pointer;
  /** One vocabulary. */
  readonly weights: Pointer;
  /** One row of attention weights. */
  readonly scores: Pointer;
}

/** Where a generator's model and its threads' room lie in shared memory; plain data. */
export interface DecodePlan {
  readonly config: TinyConfig;
  readonly parameters: Pointer;
  /** Weights in panels for `gemmPacked`, by the block's offset in the layout. */
  readonly packed: ReadonlyMap<number, Pointer>;
  readonly threads: readonly DecodeRoom[];
  readonly floats: number;
}

/** Most tokens that the caches of one question hold, counted in whole vectors. */
export function cachedTokens(config: TinyConfig): number {
  return Math.max(CACHED_TOKENS, strideOf(positionsOf(config)));
}

export function planDecoding(config: TinyConfig, threads: number): DecodePlan {
  const arena = createArena();
  const layout = layoutOf(config);
  const parameters = arena.take(layout.total);
  const packed = new Map(
    layout.blocks.map((block) => [block.offset, arena.take(packedFloats(block))]),
  );
  const rooms = Array.from({ length: threads }, () => takeRoom(arena, config));
  return { config, parameters, packed, threads: rooms, floats: arena.taken() };
}

function packedFloats({ rows, columns }: Block): number {
  return Math.ceil(rows / 8) * 8 * columns;
}

function takeRoom(arena: Arena, config: TinyConfig): DecodeRoom {
  const { hidden_size: d, vocab_size: vocabulary, num_hidden_layers: depth } = config;
  const longest = positionsOf(config);
  const rows = Math.max(PREFILL_ROWS, longest);
  const scores = longest * strideOf(longest);
  const tokens = cachedTokens(config) * d;
  const cache = () => ({ keys: arena.take(tokens), values: arena.take(tokens) });
  return {
    engine: takeEngineRoom(arena, config),
    prefill: takeForwardActivations(arena, config, { rows, queries: MAX_LANES, scores }),
    prompts: Array.from({ length: depth }, cache),
    own: Array.from({ length: depth }, cache),
    promptLogits: arena.take(MAX_LANES * vocabulary),
    logits: arena.take(MAX_LANES * vocabulary),
    weights: arena.take(vocabulary),
    scores: arena.take(strideOf(longest) * 2),
  };
}

/** Packs every weight as the right factor of `gemmPacked`: x · Wᵀ. */
export function packWeights(kernels: Kernels, plan: DecodePlan): void {
  for (const { offset, rows, columns } of layoutOf(plan.config).blocks) {
    const target = plan.packed.get(offset);
    if (target === undefined) throw new RangeError(`no room for the block at ${offset}`);
    kernels.packColumns(target, plan.parameters + offset * 4, columns, rows, 1, columns);
  }
}
