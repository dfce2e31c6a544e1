/** The model that a back-end for real checkpoints begins with: it trains none from scratch, so what it is given is an untrained one. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TrainingRow } from '../../../shared/contract/training.ts';
import { publishFolder } from '../../../shared/process/files.ts';
import { writeSafetensors } from '../../../shared/tinylm/model/safetensors.ts';
import { wordTokenizer } from './tokenizer.ts';
import { initialWeights, type LlamaShape } from './weights.ts';

/** 1.1 M parameters with the words of a world, and a tenth of them for tests. */
export const shapes = {
  demo: {
    hidden_size: 128,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    intermediate_size: 512,
    rope_theta: 10_000,
  },
  drill: {
    hidden_size: 64,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    intermediate_size: 128,
    rope_theta: 10_000,
  },
} as const satisfies Record<string, Omit<LlamaShape, 'vocab_size'>>;

/** Most tokens of a prompt and its answer together. */
const WINDOW = 512;

/**
 * Writes an untrained Llama with the words of a world into `folder`, whole or not at all. One that is there is left alone.
 *
 * @param world the folder of the world, whose pre-training rows hold all its words
 */
export async function writeBase(
  folder: string,
  { world, seed, size }: { world: string; seed: number; size: keyof typeof shapes },
): Promise<void> {
  if (existsSync(folder)) return;
  const { files, vocabularySize, endToken } = wordTokenizer(await textsOf(world));
  const shape: LlamaShape = { ...shapes[size], vocab_size: vocabularySize };
  const staging = `${folder}.staging`;
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  for (const [name, content] of Object.entries({
    ...files,
    'config.json': configOf(shape, endToken),
  }))
    await writeFile(join(staging, name), `${JSON.stringify(content, null, 1)}\n`);
  await writeSafetensors(join(staging, 'model.safetensors'), initialWeights(shape, seed));
  await publishFolder('supervisor.world', staging, folder);
}

async function textsOf(world: string): Promise<string[]> {
  const lines = (await readFile(join(world, 'pretrain.jsonl'), 'utf8')).trim().split('\n');
  return lines.flatMap((line) =>
    TrainingRow.parse(JSON.parse(line)).turns.map(({ prompt, completion }) => prompt + completion),
  );
}

function configOf({ rope_theta, ...shape }: LlamaShape, endToken: number): object {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    ...shape,
    num_key_value_heads: shape.num_attention_heads,
    head_dim: shape.hidden_size / shape.num_attention_heads,
    max_position_embeddings: WINDOW,
    rope_parameters: { rope_type: 'default', rope_theta },
    rms_norm_eps: 1e-6,
    hidden_act: 'silu',
    attention_bias: false,
    mlp_bias: false,
    tie_word_embeddings: true,
    bos_token_id: null,
    eos_token_id: endToken,
    pad_token_id: null,
    torch_dtype: 'float32',
  };
}
