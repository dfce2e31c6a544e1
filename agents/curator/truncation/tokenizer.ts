/** How many tokens a text has for a checkpoint: as its `tokenizer.json` says, which training program and model servers read too. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, PermanentError } from '../../../shared/contract/failure.ts';
import { HfFile, hfCount } from './hugging-face.ts';

export interface Tokenizer {
  /** Tokens of a text, with those that a server's `/v1/completions` puts before and behind it. */
  count(text: string): number;
}

const TinylmFile = z.object({ type: z.literal('tinylm'), pieces: z.array(z.string()) });

/** The tokenizer of a model's folder: Hugging Face's `tokenizer.json`, or tinylm's. Undefined where it has none; PermanentError where it cannot be used. */
export async function readTokenizer(folder: string): Promise<Tokenizer | undefined> {
  const path = join(folder, 'tokenizer.json');
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const file: unknown = JSON.parse(text);
    const tinylm = TinylmFile.safeParse(file);
    return { count: tinylm.success ? tinylmCount(tinylm.data) : hfCount(HfFile.parse(file)) };
  } catch (error) {
    throw new PermanentError(`${path} cannot be used: ${messageOf(error)}`, { cause: error });
  }
}

/** tinylm's (`shared/tinylm/model/tokenizer.ts`): pieces, else two tokens a byte; and the token that begins a training row. */
function tinylmCount({ pieces }: z.infer<typeof TinylmFile>): Tokenizer['count'] {
  const known = new Set(pieces);
  return (text) => {
    const parts = text.match(/ ?[\p{L}\p{M}\p{N}]+| ?[^\s\p{L}\p{M}\p{N}]|\s/gu) ?? [];
    const tokens = parts.map((part) => (known.has(part) ? 1 : 2 * Buffer.byteLength(part)));
    return tokens.reduce((sum, one) => sum + one, 1);
  };
}
