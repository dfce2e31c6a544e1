import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, PermanentError } from '../../../shared/contract/failure.ts';
import { placesOf } from './labels.ts';

/** SummaC's default (`max_input_length` of its reference implementation), where the model takes as much. */
const MOST_TOKENS = 500;

/** What is read of `config.json`. */
const Config = z.object({
  id2label: z.record(z.string().regex(/^\d+$/), z.string()),
  max_position_embeddings: z.int().positive().nullish(),
  pad_token_id: z.int().nonnegative().nullish(),
  model_type: z.string().nullish(),
});

/** These count positions from behind the padding token, so they have that many fewer. */
const offsetTypes = ['roberta', 'xlm-roberta', 'camembert', 'xlm-roberta-xl', 'mpnet'];

/** How a model is asked, from its `config.json`. */
export interface OnnxSettings {
  /** Where entailment and contradiction stand among the logits. */
  readonly entailment: number;
  readonly contradiction: number;
  /** Longest input, special tokens included. */
  readonly maxTokens: number;
  readonly padId: number;
}

/** Throws PermanentError that names the file. */
export async function readSettings(folder: string): Promise<OnnxSettings> {
  const path = join(folder, 'config.json');
  const parsed = Config.safeParse(await readJson(path));
  if (!parsed.success)
    throw new PermanentError(
      `${path} does not tell how the model is asked:\n${z.prettifyError(parsed.error)}`,
    );
  const { id2label, max_position_embeddings: positions, model_type, pad_token_id } = parsed.data;
  const ids = Object.keys(id2label).sort((a, b) => Number(a) - Number(b));
  if (ids.some((id, at) => Number(id) !== at))
    throw new PermanentError(`${path}: id2label must number its labels from 0`);
  const padId = pad_token_id ?? 0;
  const offset = offsetTypes.includes(model_type ?? '') ? padId + 1 : 0;
  const { entailment, contradiction } = placesOf(
    ids.map((id) => id2label[id] ?? ''),
    path,
  );
  const limit = Math.min(MOST_TOKENS, (positions ?? Infinity) - offset);
  return { entailment, contradiction, maxTokens: limit, padId };
}

/** A JSON file of a model's folder. Throws PermanentError that names it. */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** sha256 of every file that can move the model's values, by name: the model and the data that it names, and how texts become tokens. */
export async function digestFolder(folder: string): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  const data = new Set<string>();
  digests['model.onnx'] = await digestFile(join(folder, 'model.onnx'), (name) => data.add(name));
  for (const name of [...data].sort())
    if (await exists(join(folder, name))) digests[name] = await digestFile(join(folder, name));
  for (const name of ['config.json', 'tokenizer.json'])
    digests[name] = await digestFile(join(folder, name));
  const optional = 'tokenizer_config.json';
  if (await exists(join(folder, optional)))
    digests[optional] = await digestFile(join(folder, optional));
  return digests;
}

/** How a model names a file that holds a tensor: an `external_data` entry with the key `location`, then the tag and length of its value. */
const location = Buffer.from('\n\u0008location\u0012', 'latin1');
const LONGEST_NAME = 127;

/** Tells `onData` each name that may be one of a data file. */
async function digestFile(path: string, onData?: (name: string) => void): Promise<string> {
  const hash = createHash('sha256');
  let tail: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      hash.update(chunk as Buffer);
      if (onData === undefined) continue;
      // A name may lie across two chunks.
      const seen = Buffer.concat([tail, chunk as Buffer]);
      for (let at = seen.indexOf(location); at >= 0; at = seen.indexOf(location, at + 1)) {
        const start = at + location.length + 1;
        const end = start + (seen[start - 1] ?? 0);
        if (end <= seen.length) onData(seen.toString('utf8', start, end));
      }
      tail = seen.subarray(-(location.length + 1 + LONGEST_NAME));
    }
  } catch (error) {
    throw unreadable(path, error);
  }
  return hash.digest('hex');
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function unreadable(path: string, error: unknown): PermanentError {
  return new PermanentError(
    `cannot read ${path}: ${messageOf(error)}. The folder of an NLI profile holds model.onnx, config.json and tokenizer.json`,
    { cause: error },
  );
}
