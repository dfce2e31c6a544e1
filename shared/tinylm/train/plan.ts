import { createArena, type Pointer } from '../kernels/load.ts';
import { strideOf, takeActivations, type Activations, type Room } from '../model/activations.ts';
import { takeGradients, type Gradients } from '../model/backward.ts';
import type { TinyConfig } from '../model/config.ts';
import { takeEngineRoom, type EngineRoom } from '../model/engine.ts';
import { layoutOf } from '../model/layout.ts';

/**
 * A step's gradient is the sum of this many shards, each over every eighth row of the batch, in this order, whatever
 * the number of threads: so weights do not depend on it.
 */
export const SHARDS = 8;

/** Parameters are summed and updated in this many slices; the squared norm is added up by slice. */
export const SLICES = 16;

/** Rows of a shard go through the model in portions of about this many tokens, which stay in the second cache level. */
export const PORTION_TOKENS = 512;

/** What a thread has for itself. */
export interface ThreadRoom {
  readonly engine: EngineRoom;
  readonly acts: Activations;
  readonly gradients: Gradients;
}

/** Where everything of a training job lies in the memory that its threads share; plain data, so that it can be sent to them. */
export interface Plan {
  readonly config: TinyConfig;
  readonly total: number;
  readonly decayedTotal: number;
  readonly parameters: Pointer;
  /** Of the model that the trained one is compared with. */
  readonly anchor: Pointer;
  /** AdamW's moments. */
  readonly first: Pointer;
  readonly second: Pointer;
  readonly gradient: Pointer;
  /** SHARDS gradients of `total` floats, one behind the other. */
  readonly shards: Pointer;
  readonly threads: readonly ThreadRoom[];
  readonly floats: number;
}

/** `longest`: most tokens of a row. */
export function planTraining(config: TinyConfig, longest: number, threads: number): Plan {
  const { total, decayedTotal } = layoutOf(config);
  const arena = createArena();
  const rows = Math.max(PORTION_TOKENS, longest);
  const stride = strideOf(longest);
  const room: Room = { rows, queries: rows, scores: rows * stride };
  const regions = {
    parameters: arena.take(total),
    anchor: arena.take(total),
    first: arena.take(total),
    second: arena.take(total),
    gradient: arena.take(total),
    shards: arena.take(total * SHARDS),
    threads: Array.from({ length: threads }, () => ({
      engine: takeEngineRoom(arena, config),
      acts: takeActivations(arena, config, room),
      gradients: takeGradients(arena, config, { ...room, headScores: longest * stride }),
    })),
  };
  return { config, total, decayedTotal, ...regions, floats: arena.taken() };
}

/** [from, to) of slice `i` of the parameters, in multiples of four floats. */
export function sliceOf(total: number, i: number): readonly [from: number, to: number] {
  const length = Math.ceil(total / SLICES / 4) * 4;
  return [Math.min(total, i * length), Math.min(total, (i + 1) * length)];
}
