import type { Arena, Pointer } from '../kernels/load.ts';
import type { TinyConfig } from './config.ts';

/** What a layer's forward pass leaves behind for its backward pass, and for the key and value cache. */
export interface LayerActivations {
  /** Normalised input of attention [rows, d] and 1 / rms [rows]. */
  readonly normed: Pointer;
  readonly inverse: Pointer;
  /** The rows of `normed` that ask [queries, d]; the same as `normed` where all rows ask. */
  readonly asking: Pointer;
  /** [queries, d], turned by position. */
  readonly query: Pointer;
  /** [rows, d], turned by position. */
  readonly key: Pointer;
  readonly value: Pointer;
  /** Attention by sequence and head, [queries of the sequence, stride of its length]. */
  readonly attention: Pointer;
  /** Heads' outputs side by side [queries, d]. */
  readonly mixed: Pointer;
  /** Normalised input of the feed-forward network [queries, d] and 1 / rms [queries]. */
  readonly fedNormed: Pointer;
  readonly fedInverse: Pointer;
  /** Before and after the squared ReLU [queries, f]. */
  readonly hidden: Pointer;
  readonly active: Pointer;
}

export interface Activations {
  /** Whether attention weights are kept for the backward pass; if not, there is room for one head's only. */
  readonly keepsAttention: boolean;
  readonly windows: Pointer;
  readonly positions: Pointer;
  readonly queryRows: Pointer;
  readonly queryPositions: Pointer;
  readonly targets: Pointer;
  readonly layers: readonly LayerActivations[];
  /** Residual stream of all rows [rows, d], and of the rows that ask in the last layer [queries, d]. */
  readonly stream: Pointer;
  readonly asked: Pointer;
  readonly normed: Pointer;
  readonly inverse: Pointer;
  /** [queries, vocabulary]; after `crossEntropy` their gradient. */
  readonly logits: Pointer;
  /** Two floats a query. */
  readonly losses: Pointer;
}

/** Room for a batch: at most `rows` rows of which `queries` ask, and `scores` attention weights a head (see `scoreFloats`). */
export interface Room {
  readonly rows: number;
  readonly queries: number;
  readonly scores: number;
}

/** Attention weights rows are padded to whole vectors. */
export function strideOf(length: number): number {
  return Math.ceil(length / 4) * 4;
}

export function takeActivations(arena: Arena, config: TinyConfig, room: Room): Activations {
  const { hidden_size: d, intermediate_size: f, num_hidden_layers: depth } = config;
  const { rows, queries, scores } = room;
  const layer = (_: unknown, i: number): LayerActivations => {
    const last = i === depth - 1;
    const asking = last ? queries : rows;
    const normed = arena.take(rows * d);
    return {
      normed,
      inverse: arena.take(rows),
      asking: last ? arena.take(queries * d) : normed,
      query: arena.take(asking * d),
      key: arena.take(rows * d),
      value: arena.take(rows * d),
      attention: arena.take(scores * config.num_attention_heads),
      mixed: arena.take(asking * d),
      fedNormed: arena.take(asking * d),
      fedInverse: arena.take(asking),
      hidden: arena.take(asking * f),
      active: arena.take(asking * f),
    };
  };
  const layers = Array.from({ length: depth }, layer);
  return { keepsAttention: true, layers, ...takeEnds(arena, config, room) };
}

/** For a forward pass alone: layers share everything but keys and values. `scores`: the most that one head of one sequence has. */
export function takeForwardActivations(arena: Arena, config: TinyConfig, room: Room): Activations {
  const { hidden_size: d, intermediate_size: f, num_hidden_layers: depth } = config;
  const { rows, queries, scores } = room;
  const normed = arena.take(rows * d);
  const asking = arena.take(queries * d);
  const shared = {
    normed,
    inverse: arena.take(rows),
    query: arena.take(rows * d),
    attention: arena.take(scores),
    mixed: arena.take(rows * d),
    fedNormed: arena.take(rows * d),
    fedInverse: arena.take(rows),
    hidden: arena.take(rows * f),
    active: arena.take(rows * f),
  };
  const layers = Array.from({ length: depth }, (_, i) => ({
    ...shared,
    asking: i === depth - 1 ? asking : normed,
    key: arena.take(rows * d),
    value: arena.take(rows * d),
  }));
  return { keepsAttention: false, layers, ...takeEnds(arena, config, room) };
}

/** What lies before the first layer and behind the last. */
function takeEnds(arena: Arena, config: TinyConfig, { rows, queries }: Room) {
  const d = config.hidden_size;
  return {
    windows: arena.take(rows * config.conv_taps),
    positions: arena.take(rows),
    queryRows: arena.take(queries),
    queryPositions: arena.take(queries),
    targets: arena.take(queries),
    stream: arena.take(rows * d),
    asked: arena.take(queries * d),
    normed: arena.take(queries * d),
    inverse: arena.take(queries),
    logits: arena.take(queries * config.vocab_size),
    losses: arena.take(queries * 2),
  };
}
