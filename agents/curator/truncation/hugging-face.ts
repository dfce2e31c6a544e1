/** Tokens of a text by Hugging Face's `tokenizer.json`. */
import * as huggingface from '@huggingface/tokenizers';
import { z } from 'zod';

const PreTokenizer = z.looseObject({
  type: z.string(),
  behavior: z.string().optional(),
  use_regex: z.boolean().optional(),
  add_prefix_space: z.boolean().optional(),
  get pretokenizers() {
    return z.array(PreTokenizer).optional();
  },
});
type PreTokenizer = z.infer<typeof PreTokenizer>;

const Model = z.looseObject({
  type: z.string().optional(),
  byte_fallback: z.boolean().optional(),
  ignore_merges: z.boolean().optional(),
  vocab: z.unknown(),
});
type Model = z.infer<typeof Model>;

export const HfFile = z.looseObject({ pre_tokenizer: PreTokenizer.nullish(), model: Model });

/** As much of the library's types as is used: its own leave out the endings of their imports, which TypeScript does not find then. */
const { Tokenizer, ByteLevelPreTokenizer } = huggingface as unknown as {
  Tokenizer: new (
    file: object,
    config: object,
  ) => {
    model: (pieces: readonly string[]) => readonly string[];
    tokenize(text: string, options: { add_special_tokens: boolean }): readonly string[];
  };
  ByteLevelPreTokenizer: new (part: object) => (piece: string) => readonly string[];
};

/** Pieces that are remembered, and of how many signs at most: V8 keeps the whole text from which a longer one was cut. */
const MOST_PIECES = 200_000;
const LONGEST = 12;

/** Counts tokens, with those that stand before and behind every text. Each piece of a text, which is mostly a word, is counted by itself and once. */
export function hfCount(file: z.infer<typeof HfFile>): (text: string) => number {
  const parts = partsOf(file.pre_tokenizer ?? undefined);
  if (wordsStandAlone(file.model)) parts.push(WORDS);
  const bytes = isBytes(parts.at(-1)) ? new ByteLevelPreTokenizer(parts.pop() ?? {}) : undefined;
  const pre_tokenizer = { type: 'Sequence', pretokenizers: parts };
  const tokenizer = new Tokenizer({ ...file, pre_tokenizer }, {});
  const { model } = tokenizer;
  const known = new Map<string, number>();
  const countPiece = (piece: string): number => {
    const found = known.get(piece);
    if (found !== undefined) return found;
    const { length } = model(bytes?.(piece) ?? [piece]);
    if (known.size >= MOST_PIECES) known.clear();
    if (piece.length <= LONGEST) known.set(piece, length);
    return length;
  };
  let tokens = 0;
  tokenizer.model = (pieces) => {
    for (const piece of pieces) tokens += countPiece(piece);
    return [];
  };
  return (text) => {
    tokens = 0;
    // What is no piece: special tokens, before and behind the text and in it.
    const special = tokenizer.tokenize(text, { add_special_tokens: true });
    return tokens + special.length;
  };
}

/** The library keeps punctuation that is in one piece together, whatever `behavior` says; as a Split it takes the signs apart. */
const SIGNS = split('[\\p{P}!-/:-@\\[-`{-~]');

function partsOf(one: PreTokenizer | undefined): PreTokenizer[] {
  if (one === undefined) return [];
  const { type, behavior = 'Isolated', pretokenizers } = one;
  if (type === 'Punctuation' && behavior !== 'Contiguous') return [SIGNS];
  return pretokenizers === undefined ? [one] : pretokenizers.flatMap(partsOf);
}

/** It makes signs of bytes, and does no more than that. */
function isBytes(one: PreTokenizer | undefined): boolean {
  return one?.type === 'ByteLevel' && one.use_regex === false && one.add_prefix_space !== true;
}

/** Words as SentencePiece marks them: a space becomes a sign of the word behind it. */
const WORDS = split('▁*[^▁]+');

/** Whether BPE never joins a word with the next one's mark. Then a text, which is one piece for models such as Llama 2, has the tokens of its words. */
function wordsStandAlone({ type, byte_fallback, ignore_merges, vocab }: Model): boolean {
  if (type !== 'BPE' || byte_fallback !== true || ignore_merges === true) return false;
  return !Object.keys(vocab ?? {}).some((token) => /[^▁]▁/.test(token));
}

function split(Regex: string): PreTokenizer {
  return { type: 'Split', behavior: 'Isolated', pattern: { Regex }, invert: false };
}
