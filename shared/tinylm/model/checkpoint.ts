import { join } from 'node:path';
import { BadCheckpointError, writeDurably } from './checkpoint-files.ts';
import { readConfig, type TinyConfig } from './config.ts';
import { layoutOf } from './layout.ts';
import { readSafetensors, writeSafetensors, type Tensor } from './safetensors.ts';
import { readTokenizer, writeTokenizer, type Tokenizer } from './tokenizer.ts';

/** A model as it lies in a folder: `config.json`, `model.safetensors`, `tokenizer.json`. */
export interface Checkpoint {
  readonly config: TinyConfig;
  readonly tokenizer: Tokenizer;
  /** In the order of `layoutOf`. */
  readonly parameters: Float32Array;
}

/** Throws BadCheckpointError when a file is missing or damaged, or they do not fit each other. */
export async function readCheckpoint(dir: string): Promise<Checkpoint> {
  const config = await readConfig(dir);
  const tokenizer = await readTokenizer(join(dir, 'tokenizer.json'));
  if (tokenizer.vocabularySize !== config.vocab_size)
    throw new BadCheckpointError(
      dir,
      `tokenizer.json has ${tokenizer.vocabularySize} tokens, config.json says vocab_size ${config.vocab_size}`,
    );
  return { config, tokenizer, parameters: await readParameters(dir, config) };
}

async function readParameters(dir: string, config: TinyConfig): Promise<Float32Array> {
  const path = join(dir, 'model.safetensors');
  const tensors = await readSafetensors(path);
  const { blocks, total } = layoutOf(config);
  const parameters = new Float32Array(total);
  for (const { name, rows, columns, offset } of blocks) {
    const tensor = tensors.get(name);
    const shape = tensor?.shape.join(' × ') ?? 'missing';
    if (tensor === undefined || shape !== `${rows} × ${columns}`)
      throw new BadCheckpointError(path, `${name} must be ${rows} × ${columns} but is ${shape}`);
    parameters.set(tensor.data, offset);
    tensors.delete(name);
  }
  const [unknown] = tensors.keys();
  if (unknown !== undefined)
    throw new BadCheckpointError(path, `tensor ${unknown} has no place in a tinylm model`);
  return parameters;
}

/** Writes the three files into the folder `dir`; equal checkpoints make equal bytes. */
export async function writeCheckpoint(dir: string, checkpoint: Checkpoint): Promise<void> {
  const { config, tokenizer, parameters } = checkpoint;
  const tensors = new Map<string, Tensor>();
  for (const { name, rows, columns, offset } of layoutOf(config).blocks) {
    const data = parameters.slice(offset, offset + rows * columns);
    tensors.set(name, { shape: [rows, columns], data });
  }
  await writeDurably(
    'tinylm.model',
    join(dir, 'config.json'),
    `${JSON.stringify(config, null, 2)}\n`,
  );
  await writeTokenizer(join(dir, 'tokenizer.json'), tokenizer);
  await writeSafetensors(join(dir, 'model.safetensors'), tensors);
}
