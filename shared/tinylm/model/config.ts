import { join } from 'node:path';
import { z } from 'zod';
import { readJson } from './checkpoint-files.ts';

const size = (max: number) => z.int().positive().max(max);
// Kernels work on rows of eight floats.
const width = (max: number) => size(max).multipleOf(8);

/**
 * Architecture of a model, as in its `config.json`; only `vocab_size` has no default. The defaults, with some 430
 * words, make a model below 0.45 M parameters. Field names follow Hugging Face where it has one.
 */
export const TinyConfig = z
  .strictObject({
    model_type: z.literal('tinylm').default('tinylm'),
    vocab_size: width(65_536),
    hidden_size: width(1024).default(128),
    num_hidden_layers: size(24).default(3),
    num_attention_heads: size(64).default(4),
    intermediate_size: width(4096).default(256),
    /** Most tokens in a sequence, prompt and completion together. */
    max_position_embeddings: size(2048).default(512),
    /** Base of the rotary positions, which turn one half of each head. */
    rope_theta: z.number().positive().default(100),
    /** Taps of the causal depthwise convolution on the embeddings. */
    conv_taps: size(16).default(4),
  })
  .refine((c) => c.hidden_size % (4 * c.num_attention_heads) === 0, {
    path: ['num_attention_heads'],
    message: 'hidden_size / num_attention_heads must be a multiple of 4 (rotary halves are even)',
  });
export type TinyConfig = z.infer<typeof TinyConfig>;

/** Reads `<dir>/config.json`; throws BadCheckpointError. */
export function readConfig(dir: string): Promise<TinyConfig> {
  return readJson(join(dir, 'config.json'), TinyConfig);
}
