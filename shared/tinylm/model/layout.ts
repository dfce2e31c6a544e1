import type { TinyConfig } from './config.ts';

/** A weight matrix [rows, columns] at `offset` floats from the start of the parameters. */
export interface Block {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly offset: number;
}

export interface LayerBlocks {
  readonly query: Block;
  readonly key: Block;
  readonly value: Block;
  readonly output: Block;
  readonly up: Block;
  readonly down: Block;
}

/** Where each weight lies in the one flat array of parameters. Matrices are [out, in], as PyTorch writes them. */
export interface Layout {
  /** In the order of their offsets, without gaps. */
  readonly blocks: readonly Block[];
  readonly layers: readonly LayerBlocks[];
  /** [vocabulary, hidden], used for input and output. */
  readonly embedding: Block;
  /** [taps, hidden]; tap k weighs the embedding k positions back. */
  readonly taps: Block;
  /** Number of parameters, a multiple of 8. */
  readonly total: number;
  /** Parameters from here on are not decayed. */
  readonly decayedTotal: number;
}

export function layoutOf(config: TinyConfig): Layout {
  const { hidden_size: d, intermediate_size: f } = config;
  const blocks: Block[] = [];
  let total = 0;
  const add = (name: string, rows: number, columns: number): Block => {
    const block = { name: `model.${name}.weight`, rows, columns, offset: total };
    blocks.push(block);
    total += rows * columns;
    return block;
  };
  const embedding = add('embed_tokens', config.vocab_size, d);
  const layers = Array.from({ length: config.num_hidden_layers }, (_, i) => ({
    query: add(`layers.${i}.self_attn.q_proj`, d, d),
    key: add(`layers.${i}.self_attn.k_proj`, d, d),
    value: add(`layers.${i}.self_attn.v_proj`, d, d),
    output: add(`layers.${i}.self_attn.o_proj`, d, d),
    up: add(`layers.${i}.mlp.up_proj`, f, d),
    down: add(`layers.${i}.mlp.down_proj`, d, f),
  }));
  const decayedTotal = total;
  const taps = add('embed_conv', config.conv_taps, d);
  return { blocks, layers, embedding, taps, total, decayedTotal };
}
