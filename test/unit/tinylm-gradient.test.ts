import { describe, expect, test } from 'vitest';
import { createArena, createSpace } from '../../shared/tinylm/kernels/load.ts';
import { strideOf, takeActivations } from '../../shared/tinylm/model/activations.ts';
import { backward, takeGradients } from '../../shared/tinylm/model/backward.ts';
import { TinyConfig } from '../../shared/tinylm/model/config.ts';
import { createEngine, takeEngineRoom } from '../../shared/tinylm/model/engine.ts';
import { forward } from '../../shared/tinylm/model/forward.ts';
import { initialParameters } from '../../shared/tinylm/model/init.ts';
import { layoutOf } from '../../shared/tinylm/model/layout.ts';
import { layOut, type Sequence } from '../../shared/tinylm/model/ragged.ts';
import { normal } from '../../shared/tinylm/model/random.ts';

const tiny = TinyConfig.parse({
  vocab_size: 24,
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 24,
  max_position_embeddings: 32,
});

function sequence(length: number, vocabulary: number, queries: number[]): Sequence {
  const token = (i: number) => (i * 7 + length * 3 + ((i * i) % 5)) % vocabulary;
  const tokens = Array.from({ length }, (_, i) => token(i));
  return { tokens, queries, targets: queries.map((q) => token(q + 1)) };
}

/** A model with one batch, whose loss can be asked for and differentiated. */
function createModel(config: TinyConfig, sequences: readonly Sequence[]) {
  const batch = layOut(sequences, config.conv_taps);
  const squares = batch.spans.map(({ length }) => length * strideOf(length));
  const room = {
    rows: batch.rows,
    queries: batch.queries,
    scores: squares.reduce((a, b) => a + b),
    headScores: Math.max(...squares),
  };
  const arena = createArena();
  const { total } = layoutOf(config);
  const pointer = arena.take(total);
  const engineRoom = takeEngineRoom(arena, config);
  const acts = takeActivations(arena, config, room);
  const gradients = takeGradients(arena, config, room);
  const into = arena.take(total);
  const space = createSpace(arena.taken());
  const engine = createEngine(space, config, pointer, engineRoom);
  const view = (at: number) => space.floats.subarray(at / 4, at / 4 + total);
  const parameters = view(pointer);
  parameters.set(initialParameters(config, 5));
  const differentiate = () => {
    view(into).fill(0);
    forward(engine, acts, batch);
    return backward(engine, acts, gradients, batch, into, 1);
  };
  return { layout: engine.layout, parameters, gradient: view(into), differentiate };
}

/** (L(w + h·v) − L(w − h·v)) / 2h */
function slope(model: ReturnType<typeof createModel>, direction: Float64Array, h: number): number {
  const start = model.parameters.slice();
  const lossAt = (step: number) => {
    for (let i = 0; i < start.length; i++)
      model.parameters[i] = (start[i] ?? 0) + step * (direction[i] ?? 0);
    return model.differentiate();
  };
  const difference = (lossAt(h) - lossAt(-h)) / (2 * h);
  model.parameters.set(start);
  model.differentiate();
  return difference;
}

function dot(a: Float32Array, b: Float32Array | Float64Array): number {
  let sum = 0;
  for (const [i, x] of a.entries()) sum += x * (b[i] ?? 0);
  return sum;
}

describe('gradients', () => {
  const model = createModel(tiny, [
    sequence(9, 24, [2, 3, 8]),
    sequence(1, 24, [0]),
    sequence(6, 24, [0, 1, 2, 3, 4, 5]),
  ]);
  // Taps other than the first begin at zero, where they would hide errors in each other.
  const { taps } = model.layout;
  for (let i = 0; i < taps.rows * taps.columns; i++)
    model.parameters[taps.offset + i] = 0.5 + 0.3 * normal(9, i);
  model.differentiate();

  test.each(model.layout.blocks.map((block) => [block.name, block] as const))(
    '%s: the gradient equals finite differences along random directions',
    (_, block) => {
      for (let trial = 0; trial < 4; trial++) {
        const direction = new Float64Array(model.layout.total);
        for (let i = 0; i < block.rows * block.columns; i++)
          direction[block.offset + i] = normal(trial, i);
        const exact = dot(model.gradient, direction);
        const own = model.gradient.subarray(
          block.offset,
          block.offset + block.rows * block.columns,
        );
        const norm = Math.sqrt(dot(own, own));
        expect(Math.abs(slope(model, direction, 1e-3) - exact)).toBeLessThan(0.01 * norm);
        expect(norm).toBeGreaterThan(1e-3);
      }
    },
  );
});

test('at the default size the loss falls along the gradient at the rate that its norm says', () => {
  const config = TinyConfig.parse({ vocab_size: 448 });
  const model = createModel(config, [
    sequence(70, 448, [10, 11, 12, 68, 69]),
    sequence(53, 448, [5, 52]),
  ]);
  model.differentiate();
  const norm = Math.sqrt(dot(model.gradient, model.gradient));
  const direction = Float64Array.from(model.gradient, (g) => g / norm);
  expect(slope(model, direction, 1e-3) / norm).toBeCloseTo(1, 2);
});
