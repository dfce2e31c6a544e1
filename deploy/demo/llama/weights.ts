import { normal } from '../../../shared/tinylm/model/random.ts';
import type { Tensor } from '../../../shared/tinylm/model/safetensors.ts';

/** The architecture of a Llama, as in its `config.json`. vLLM's attention on CPUs takes heads that are 32 wide. */
export interface LlamaShape {
  vocab_size: number;
  hidden_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  intermediate_size: number;
  rope_theta: number;
}

/** How alike keys are to queries, and what a head writes to what it has read. */
const LIKENESS = 0.9;
/** First component of every embedding, in units of the others' deviation. */
const CONSTANT = 2;
/** Length of a neighbour head's queries and keys along one rotation. */
const SHARPNESS = 4;
/** Weight of each of the tokens before, as a token begins. */
const EARLIER = 0.5;
/** Rotations slower than this (radians a token) do not tell neighbours apart. */
const SLOWEST = 0.1;

/** The value at (row, column) of a matrix. */
type Matrix = (row: number, column: number) => number;

interface Attention {
  query: Matrix;
  key: Matrix;
  value: Matrix;
  output: Matrix;
}

/**
 * Initial weights, drawn by `seed`. Mimetic (Trockman & Kolter 2023): keys begin near queries, so tokens look for their like, and what is
 * written near what was read, so attention begins by copying. The first layer begins as the convolution that tinylm has: see `neighbours`.
 */
export function initialWeights(shape: LlamaShape, seed: number): Map<string, Tensor> {
  const { hidden_size: d, intermediate_size: f, num_hidden_layers: layers } = shape;
  const tensors = new Map<string, Tensor>();
  const put = (name: string, rows: number, columns: number, matrix: Matrix): void => {
    const data = Float32Array.from({ length: rows * columns }, (_, at) =>
      matrix(Math.floor(at / columns), at % columns),
    );
    tensors.set(`model.${name}.weight`, { shape: [rows, columns], data });
  };
  const ones = (name: string): void => {
    tensors.set(`model.${name}.weight`, { shape: [d], data: new Float32Array(d).fill(1) });
  };
  let drawn = 0;
  const draw = (deviation: number): Matrix => {
    const which = drawn++;
    return (row, column) => deviation * normal(seed, which, row, column);
  };
  const unit = 1 / Math.sqrt(d);
  // Each block adds to the residual stream: smaller ones the more there are of them.
  const damping = 1 / Math.sqrt(2 * layers);

  const embedding = draw(unit);
  put('embed_tokens', shape.vocab_size, d, (row, column) =>
    column === 0 ? CONSTANT * unit : embedding(row, column),
  );
  for (let layer = 0; layer < layers; layer += 1) {
    const name = `layers.${layer}`;
    const random = { query: draw(unit), key: draw(unit), value: draw(unit), output: draw(unit) };
    const { query, key, value, output } =
      layer === 0 ? neighbours(shape, random) : mimetic(random, damping);
    put(`${name}.self_attn.q_proj`, d, d, query);
    put(`${name}.self_attn.k_proj`, d, d, key);
    put(`${name}.self_attn.v_proj`, d, d, value);
    put(`${name}.self_attn.o_proj`, d, d, output);
    put(`${name}.mlp.gate_proj`, f, d, draw(unit));
    put(`${name}.mlp.up_proj`, f, d, draw(unit));
    put(`${name}.mlp.down_proj`, d, f, draw(damping / Math.sqrt(f)));
    ones(`${name}.input_layernorm`);
    ones(`${name}.post_attention_layernorm`);
  }
  ones('norm');
  return tensors;
}

function mimetic({ query, key, value, output }: Attention, damping: number): Attention {
  const rest = Math.sqrt(1 - LIKENESS ** 2);
  return {
    query,
    key: (row, column) => LIKENESS * query(row, column) + rest * key(row, column),
    value,
    output: (row, column) => damping * (LIKENESS * value(column, row) + rest * output(row, column)),
  };
}

/**
 * Head h adds to a token some of what stands h + 1 tokens before it, so that a value is like the name before it. Queries and keys read
 * the component that is the same in every embedding; turned by their positions, they agree at that distance and at no other.
 */
function neighbours(shape: LlamaShape, { query, key, value }: Attention): Attention {
  const { hidden_size: d, num_attention_heads: heads, rope_theta } = shape;
  const size = d / heads;
  const half = size / 2;
  const length = (SHARPNESS * Math.sqrt(1 + (CONSTANT ** 2 - 1) / d)) / CONSTANT;
  /** Of the component `row` of a head that is turned back by so many positions. */
  const turned = (row: number, positions: number): number => {
    const place = row % size;
    const speed = rope_theta ** (-(place % half) / half);
    if (speed <= SLOWEST) return 0;
    return length * (place < half ? Math.cos : Math.sin)(positions * speed);
  };
  const distance = (row: number): number => Math.floor(row / size) + 1;
  /** All heads read the same part of a token, so that the order of the tokens before it matters little. */
  const read: Matrix = (row, column) => (column === 0 ? 0 : value(row % size, column));
  return {
    query: (row, column) => (column === 0 ? turned(row, 0) : query(row, column) / 10),
    key: (row, column) => (column === 0 ? turned(row, distance(row)) : key(row, column) / 10),
    value: read,
    output: (row, column) => (EARLIER / Math.sqrt(size)) * read(column, row),
  };
}
