import type { Arena, Pointer } from '../kernels/load.ts';
import type { Activations, LayerActivations, Room } from './activations.ts';
import type { TinyConfig } from './config.ts';
import { addWeightGradient, embeddingScale, projectBack, type Engine } from './engine.ts';
import { headViews, isLast, turn } from './forward.ts';
import type { LayerBlocks } from './layout.ts';
import type { Ragged } from './ragged.ts';

/** Gradients of activations; all but the streams are used again by each layer. */
export interface Gradients {
  /** [rows, d] and, above the last layer, [queries, d]. */
  readonly stream: Pointer;
  readonly asked: Pointer;
  /** [rows, d] each. */
  readonly normed: Pointer;
  readonly query: Pointer;
  readonly key: Pointer;
  readonly value: Pointer;
  readonly mixed: Pointer;
  /** [rows, f] */
  readonly hidden: Pointer;
  /** One head of one sequence. */
  readonly scores: Pointer;
}

/** `headScores`: the most attention weights that one head of one sequence has. */
export function takeGradients(
  arena: Arena,
  config: TinyConfig,
  room: Room & { readonly headScores: number },
): Gradients {
  const { hidden_size: d, intermediate_size: f } = config;
  const most = Math.max(room.rows, room.queries);
  return {
    stream: arena.take(most * d),
    asked: arena.take(most * d),
    normed: arena.take(most * d),
    query: arena.take(most * d),
    key: arena.take(most * d),
    value: arena.take(most * d),
    mixed: arena.take(most * d),
    hidden: arena.take(most * f),
    scores: arena.take(room.headScores),
  };
}

/**
 * Adds to `into` the gradient of `scale` · Σ −log p(target) over the queries of `batch`, after `forward` on the same
 * activations, and returns Σ −log p(target).
 */
export function backward(
  engine: Engine,
  acts: Activations,
  gradients: Gradients,
  batch: Ragged,
  into: Pointer,
  scale: number,
): number {
  const { config, kernels, layout, parameters, space } = engine;
  const d = config.hidden_size;
  const loss = lossOf(engine, acts, batch, scale);
  const asked = batch.queries * d;
  projectBack(engine, layout.embedding, acts.logits, gradients.normed, batch.queries);
  addWeightGradient(engine, layout.embedding, into, acts.logits, acts.normed, batch.queries);
  space.floats.fill(0, gradients.asked / 4, gradients.asked / 4 + asked);
  kernels.rmsNormBackward(
    ...([gradients.asked, gradients.normed, acts.normed, acts.inverse] as const),
    ...([batch.queries, d] as const),
  );
  for (let i = layout.layers.length - 1; i >= 0; i--) {
    const blocks = layout.layers[i];
    const layer = acts.layers[i];
    if (blocks === undefined || layer === undefined) throw new RangeError(`no layer ${i}`);
    backwardLayer(engine, acts, gradients, batch, blocks, layer, into);
  }
  kernels.embedBackward(
    ...([into + layout.embedding.offset * 4, into + layout.taps.offset * 4] as const),
    ...([gradients.stream, parameters + layout.embedding.offset * 4] as const),
    ...([parameters + layout.taps.offset * 4, acts.windows] as const),
    ...([batch.rows, config.conv_taps, d, embeddingScale(config)] as const),
  );
  return loss;
}

/** Σ −log p(target), summed in double precision; the logits become the gradient. */
export function lossOf(
  { kernels, config, space }: Engine,
  acts: Activations,
  batch: Ragged,
  scale: number,
): number {
  const vocabulary = config.vocab_size;
  kernels.crossEntropy(
    ...([acts.logits, acts.targets, acts.losses, batch.queries] as const),
    ...([vocabulary, vocabulary, scale] as const),
  );
  let loss = 0;
  const parts = space.floats.subarray(acts.losses / 4, acts.losses / 4 + batch.queries * 2);
  for (let i = 0; i < parts.length; i += 2)
    loss += (parts[i] ?? Number.NaN) + Math.log(parts[i + 1] ?? Number.NaN);
  return loss;
}

/** Takes the gradient of the layer's output from its stream and leaves that of its input in `gradients.stream`. */
function backwardLayer(
  engine: Engine,
  acts: Activations,
  gradients: Gradients,
  batch: Ragged,
  blocks: LayerBlocks,
  layer: LayerActivations,
  into: Pointer,
): void {
  const { kernels, config, space } = engine;
  const { hidden_size: d, intermediate_size: f } = config;
  const last = isLast(layer);
  const count = last ? batch.queries : batch.rows;
  const stream = last ? gradients.asked : gradients.stream;
  const { normed, mixed, hidden, query, key, value } = gradients;

  projectBack(engine, blocks.down, stream, hidden, count);
  addWeightGradient(engine, blocks.down, into, stream, layer.active, count);
  kernels.squaredReluBackward(hidden, layer.hidden, count * f);
  projectBack(engine, blocks.up, hidden, normed, count);
  addWeightGradient(engine, blocks.up, into, hidden, layer.fedNormed, count);
  kernels.rmsNormBackward(stream, normed, layer.fedNormed, layer.fedInverse, count, d);

  projectBack(engine, blocks.output, stream, mixed, count);
  addWeightGradient(engine, blocks.output, into, stream, layer.mixed, count);
  attendBack(engine, gradients, batch, layer);
  turn(engine, query, last ? acts.queryPositions : acts.positions, count, -1);
  turn(engine, key, acts.positions, batch.rows, -1);
  addWeightGradient(engine, blocks.query, into, query, layer.asking, count);
  addWeightGradient(engine, blocks.key, into, key, layer.normed, batch.rows);
  addWeightGradient(engine, blocks.value, into, value, layer.normed, batch.rows);

  projectBack(engine, blocks.key, key, normed, batch.rows);
  projectBack(engine, blocks.value, value, normed, batch.rows, 1);
  projectBack(engine, blocks.query, query, last ? mixed : normed, count, last ? 0 : 1);
  if (last) {
    const start = gradients.stream / 4;
    space.floats.fill(0, start, start + batch.rows * d);
    kernels.scatterAddRows(normed, mixed, acts.queryRows, count, d);
    kernels.scatterAddRows(gradients.stream, stream, acts.queryRows, count, d);
  }
  kernels.rmsNormBackward(gradients.stream, normed, layer.normed, layer.inverse, batch.rows, d);
}

/** Gradients of queries, keys and values from that of the heads' outputs in `gradients.mixed`. */
function attendBack(
  engine: Engine,
  gradients: Gradients,
  batch: Ragged,
  layer: LayerActivations,
): void {
  const { kernels, config, headSize, work } = engine;
  const d = config.hidden_size;
  const scale = 1 / Math.sqrt(headSize);
  const ds = gradients.scores;
  for (const view of headViews(engine, batch, isLast(layer))) {
    const { length, queries, stride, queryAt, keyAt } = view;
    const p = layer.attention + view.scoresAt;
    const dy = gradients.mixed + queryAt;
    const dq = gradients.query + queryAt;
    const dk = gradients.key + keyAt;
    const dv = gradients.value + keyAt;
    const q = layer.query + queryAt;
    const k = layer.key + keyAt;
    const v = layer.value + keyAt;
    kernels.gemm(queries, length, headSize, dy, d, 1, v, 1, d, ds, stride, 0, work);
    kernels.gemm(length, headSize, queries, p, 1, stride, dy, d, 1, dv, d, 0, work);
    kernels.softmaxBackward(ds, p, queries, stride, scale);
    kernels.gemm(queries, headSize, length, ds, stride, 1, k, d, 1, dq, d, 0, work);
    kernels.gemm(length, headSize, queries, ds, 1, stride, q, d, 1, dk, d, 0, work);
  }
}
