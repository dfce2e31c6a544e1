/** How many tokens a text has for a checkpoint: as its `tokenizer.json` says, which training program and model servers read too. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as huggingface from '@huggingface/tokenizers';
import { z } from 'zod';
import { messageOf, PermanentError } from '../../../shared/contract/failure.ts';

export interface Tokenizer {
  /** Tokens of a text, with those that a server's `/v1/completions` puts before and behind it. */
  count(text: string): number;
  /** Whether a text has at most so many. Where that is plain from its words it is not counted, which takes a tenth of the time. */
  fits(text: string, most: number): boolean;
}

/** The library keeps punctuation that is in one piece together, whatever `behavior` says; as a Split it takes the signs apart. */
const PreTokenizer = z.looseObject({
  type: z.string(),
  behavior: z.string().optional(),
  get pretokenizers() {
    return z.array(PreTokenizer).optional();
  },
});
type PreTokenizer = z.infer<typeof PreTokenizer>;
const SIGN = { Regex: '[\\p{P}!-/:-@\\[-`{-~]' };

const TinylmFile = z.object({ type: z.literal('tinylm'), pieces: z.array(z.string()) });
const HfFile = z.looseObject({ pre_tokenizer: PreTokenizer.nullish() });

/** The tokenizer of a model's folder: Hugging Face's `tokenizer.json`, or tinylm's. Undefined where it has none; PermanentError where it cannot be used. */
export async function readTokenizer(folder: string): Promise<Tokenizer | undefined> {
  const path = join(folder, 'tokenizer.json');
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const file: unknown = JSON.parse(text);
    const tinylm = TinylmFile.safeParse(file);
    return tinylm.success ? tinylmTokenizer(tinylm.data) : hfTokenizer(HfFile.parse(file));
  } catch (error) {
    throw new PermanentError(`${path} cannot be used: ${messageOf(error)}`, { cause: error });
  }
}

/** tinylm's (`shared/tinylm/model/tokenizer.ts`): pieces, else two tokens a byte; and the token that begins a training row. */
function tinylmTokenizer({ pieces }: z.infer<typeof TinylmFile>): Tokenizer {
  const known = new Set(pieces);
  const count = (text: string): number => {
    const parts = text.match(/ ?[\p{L}\p{M}\p{N}]+| ?[^\s\p{L}\p{M}\p{N}]|\s/gu) ?? [];
    const tokens = parts.map((part) => (known.has(part) ? 1 : 2 * Buffer.byteLength(part)));
    return tokens.reduce((sum, one) => sum + one, 1);
  };
  return { count, fits: (text, most) => count(text) <= most };
}

/** As much of the library's types as is used: its own leave out the endings of their imports, which TypeScript does not find then. */
const HfTokenizer = huggingface.Tokenizer as unknown as new (
  file: object,
  config: object,
) => {
  encode(text: string, options?: { add_special_tokens: boolean }): { ids: readonly number[] };
};

/** Words that are remembered with their tokens. */
const MOST_WORDS = 200_000;

/** Words by themselves have about as many tokens as together: 2 % fewer was the worst found in real rows of 13 languages. */
const JOINED = 1.1;

function hfTokenizer(file: z.infer<typeof HfFile>): Tokenizer {
  const parts = file.pre_tokenizer ?? null;
  const pre_tokenizer = parts === null ? null : apart(parts);
  const tokenizer = new HfTokenizer({ ...file, pre_tokenizer }, {});
  const count = (text: string): number => tokenizer.encode(text).ids.length;
  const special = count('');
  const words = new Map<string, number>();
  const countWord = (word: string): number => {
    const known = words.get(word);
    if (known !== undefined) return known;
    if (words.size >= MOST_WORDS) words.clear();
    const tokens = tokenizer.encode(word, { add_special_tokens: false }).ids.length;
    words.set(word, tokens);
    return tokens;
  };
  return {
    count,
    fits: (text, most) => {
      let tokens = 0;
      for (const [word] of text.matchAll(/\s*\S+|\s+$/g)) tokens += countWord(word);
      return special + tokens * JOINED <= most || count(text) <= most;
    },
  };
}

function apart(one: PreTokenizer): PreTokenizer {
  const { type, behavior = 'Isolated', pretokenizers } = one;
  if (type === 'Punctuation' && behavior !== 'Contiguous')
    return { type: 'Split', behavior: 'Isolated', pattern: SIGN, invert: false };
  return pretokenizers === undefined ? one : { ...one, pretokenizers: pretokenizers.map(apart) };
}
