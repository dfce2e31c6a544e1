import { strideOf, type Activations, type LayerActivations } from './activations.ts';
import { embeddingScale, project, type Engine } from './engine.ts';
import type { LayerBlocks } from './layout.ts';
import type { Ragged, Span } from './ragged.ts';
import type { Pointer } from '../kernels/load.ts';

/**
 * Logits [queries, vocabulary] of `batch` into `acts.logits`. Every layer computes all rows but the last: there only
 * the rows that ask need more than keys and values.
 */
export function forward(engine: Engine, acts: Activations, batch: Ragged): void {
  const { config, kernels, layout, parameters } = engine;
  const d = config.hidden_size;
  load(engine, acts, batch);
  kernels.embed(
    ...([acts.stream, parameters + layout.embedding.offset * 4] as const),
    ...([parameters + layout.taps.offset * 4, acts.windows] as const),
    ...([batch.rows, config.conv_taps, d, embeddingScale(config)] as const),
  );
  for (const [i, blocks] of layout.layers.entries()) {
    const layer = acts.layers[i];
    if (layer === undefined) throw new RangeError(`no activations for layer ${i}`);
    forwardLayer(engine, acts, batch, blocks, layer);
  }
  kernels.rmsNorm(acts.normed, acts.asked, acts.inverse, batch.queries, d);
  project(engine, layout.embedding, acts.normed, acts.logits, batch.queries);
}

function load({ space }: Engine, acts: Activations, batch: Ragged): void {
  space.ints.set(batch.windows, acts.windows / 4);
  space.ints.set(batch.positions, acts.positions / 4);
  space.ints.set(batch.queryRows, acts.queryRows / 4);
  space.ints.set(batch.queryPositions, acts.queryPositions / 4);
  space.ints.set(batch.targets, acts.targets / 4);
}

/** Only the last layer has activations of its own for the rows that ask. */
export function isLast(layer: LayerActivations): boolean {
  return layer.asking !== layer.normed;
}

function forwardLayer(
  engine: Engine,
  acts: Activations,
  batch: Ragged,
  blocks: LayerBlocks,
  layer: LayerActivations,
): void {
  const { kernels, config } = engine;
  const { hidden_size: d, intermediate_size: f } = config;
  const last = isLast(layer);
  const count = last ? batch.queries : batch.rows;
  const stream = last ? acts.asked : acts.stream;

  kernels.rmsNorm(layer.normed, acts.stream, layer.inverse, batch.rows, d);
  if (last) {
    kernels.gatherRows(layer.asking, layer.normed, acts.queryRows, count, d);
    kernels.gatherRows(stream, acts.stream, acts.queryRows, count, d);
  }
  project(engine, blocks.query, layer.asking, layer.query, count);
  project(engine, blocks.key, layer.normed, layer.key, batch.rows);
  project(engine, blocks.value, layer.normed, layer.value, batch.rows);
  turn(engine, layer.query, last ? acts.queryPositions : acts.positions, count, 1);
  turn(engine, layer.key, acts.positions, batch.rows, 1);
  attend(engine, acts, batch, layer);
  project(engine, blocks.output, layer.mixed, stream, count, 1);

  kernels.rmsNorm(layer.fedNormed, stream, layer.fedInverse, count, d);
  project(engine, blocks.up, layer.fedNormed, layer.hidden, count);
  kernels.squaredRelu(layer.active, layer.hidden, count * f);
  project(engine, blocks.down, layer.active, stream, count, 1);
}

/** Turns rows by their positions, or back with direction −1. */
export function turn(
  { kernels, config, cosines, sines, headSize, turning }: Engine,
  rows: Pointer,
  positions: Pointer,
  count: number,
  direction: 1 | -1,
): void {
  const heads = config.num_attention_heads;
  kernels.rotate(rows, positions, cosines, sines, count, heads, headSize, turning, direction);
}

/** One head of one sequence: pointers to its first elements, and how far apart rows are. */
export interface HeadView {
  readonly length: number;
  readonly queries: number;
  readonly stride: number;
  /** Byte offset of the head's queries in [queries, d], of its keys and values in [rows, d]. */
  readonly queryAt: number;
  readonly keyAt: number;
  /** Byte offset of its attention weights. */
  readonly scoresAt: number;
  /** Byte offset of the sequence in the positions of the rows that ask. */
  readonly positionsAt: number;
}

/** Every head of every sequence, in order. */
export function* headViews({ config, headSize }: Engine, batch: Ragged, last: boolean) {
  const { hidden_size: d, num_attention_heads: heads } = config;
  let scores = 0;
  for (const span of batch.spans) {
    const { first, count } = askingOf(span, last);
    const stride = strideOf(span.length);
    for (let h = 0; h < heads; h++) {
      const view: HeadView = {
        length: span.length,
        queries: count,
        stride,
        queryAt: (first * d + h * headSize) * 4,
        keyAt: (span.row * d + h * headSize) * 4,
        scoresAt: scores * 4,
        positionsAt: first * 4,
      };
      scores += count * stride;
      yield view;
    }
  }
}

function askingOf(span: Span, last: boolean) {
  return last
    ? { first: span.query, count: span.queries }
    : { first: span.row, count: span.length };
}

function attend(engine: Engine, acts: Activations, batch: Ragged, layer: LayerActivations): void {
  const { kernels, config, headSize, work } = engine;
  const d = config.hidden_size;
  const last = isLast(layer);
  const positions = last ? acts.queryPositions : acts.positions;
  const scale = 1 / Math.sqrt(headSize);
  for (const view of headViews(engine, batch, last)) {
    const { length, queries, stride } = view;
    const query = layer.query + view.queryAt;
    const key = layer.key + view.keyAt;
    const value = layer.value + view.keyAt;
    const scores = layer.attention + (acts.keepsAttention ? view.scoresAt : 0);
    const mixed = layer.mixed + view.queryAt;
    kernels.gemm(queries, length, headSize, query, d, 1, key, 1, d, scores, stride, 0, work);
    kernels.softmaxCausal(scores, positions + view.positionsAt, queries, stride, scale);
    kernels.gemm(queries, headSize, length, scores, stride, 1, value, d, 1, mixed, d, 0, work);
  }
}
