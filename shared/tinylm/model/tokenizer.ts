/**
 * Words with their leading space, single signs and single spaces are the pieces of the vocabulary; a piece that is not
 * in it is spelled by its UTF-8 bytes, two half-byte tokens each, so any text goes in and comes out.
 *
 * Half bytes, not the usual 256 byte tokens: those would take 31 k of the 0.45 M parameters, and more than half of a
 * vocabulary of words, for tokens that training hardly sees.
 *
 * Ids: 0–15 half bytes, 16 the end token, then the pieces, then padding to a multiple of eight.
 */
import { z } from 'zod';
import { readJson, writeDurably } from './checkpoint-files.ts';

const PIECE = / ?[\p{L}\p{M}\p{N}]+| ?[^\s\p{L}\p{M}\p{N}]|\s/gu;
const END_TOKEN = 16;
const FIRST_PIECE = 17;
const MAX_VOCABULARY = 4096;
const NOT_UTF8 = 0xff; // decodes to U+FFFD

const TokenizerFile = z.strictObject({
  type: z.literal('tinylm'),
  version: z.literal(1),
  pieces: z
    .array(z.string().min(1))
    .max(65_536 - FIRST_PIECE)
    .refine((pieces) => new Set(pieces).size === pieces.length, 'a piece stands twice'),
});

export interface Tokenizer {
  /** A multiple of eight; the last few ids may stand for nothing. */
  readonly vocabularySize: number;
  /** Ends every completion; no text encodes to it. */
  readonly endToken: number;
  /** In the order of their ids. */
  readonly pieces: readonly string[];
  /** Lone surrogates become U+FFFD; `decode` gives every other text back unchanged. */
  encode(text: string): number[];
  /** Any ids make a text: bytes that are not UTF-8 become U+FFFD, the end token and padding nothing. */
  decode(ids: readonly number[]): string;
  /** Where in the decoded text each token begins, in UTF-16 units. */
  offsets(ids: readonly number[]): number[];
}

/** A tokenizer of the most frequent pieces of `texts`; neither the order of the texts nor their number of passes matters. */
export function buildTokenizer(texts: Iterable<string>): Tokenizer {
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const piece of toPieces(text)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  const sorted = [...counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return createTokenizer(sorted.slice(0, MAX_VOCABULARY - FIRST_PIECE).map(([piece]) => piece));
}

/** Reads a `tokenizer.json` of ours; throws BadCheckpointError. */
export async function readTokenizer(path: string): Promise<Tokenizer> {
  return createTokenizer((await readJson(path, TokenizerFile)).pieces);
}

/** Writes `tokenizer.json` durably. */
export async function writeTokenizer(path: string, { pieces }: Tokenizer): Promise<void> {
  await writeDurably(
    'tinylm.model',
    path,
    `${JSON.stringify({ type: 'tinylm', version: 1, pieces }, null, 1)}\n`,
  );
}

function createTokenizer(pieces: readonly string[]): Tokenizer {
  const ids = new Map(pieces.map((piece, i) => [piece, FIRST_PIECE + i]));
  const bytes = pieces.map((piece) => Buffer.from(piece));
  return {
    vocabularySize: Math.ceil((FIRST_PIECE + pieces.length) / 8) * 8,
    endToken: END_TOKEN,
    pieces,
    encode: (text) => {
      const encoded: number[] = [];
      for (const piece of toPieces(text)) {
        const id = ids.get(piece);
        if (id !== undefined) encoded.push(id);
        else for (const byte of Buffer.from(piece)) encoded.push(byte >> 4, byte & 15);
      }
      return encoded;
    },
    decode: (tokens) => Buffer.concat([...toBytes(tokens, bytes)]).toString('utf8'),
    offsets: (tokens) => toOffsets(tokens, bytes),
  };
}

/** `text` cut at its word borders; joined again the pieces are `text`. */
function toPieces(text: string): string[] {
  // Through UTF-8 and back, because a lone surrogate is no text.
  return Buffer.from(text).toString('utf8').match(PIECE) ?? [];
}

/** The bytes that each token completes, and at the end those of a half byte left over. */
function* toBytes(tokens: readonly number[], pieces: readonly Buffer[]): Generator<Uint8Array> {
  let high: number | undefined;
  for (const token of tokens) {
    if (token >= END_TOKEN) {
      const piece = pieces[token - FIRST_PIECE] ?? Buffer.alloc(0);
      yield high === undefined ? piece : Buffer.from([NOT_UTF8, ...piece]);
      high = undefined;
    } else if (high === undefined) {
      yield Buffer.alloc(0);
      high = token;
    } else {
      yield Uint8Array.of((high << 4) | token);
      high = undefined;
    }
  }
  if (high !== undefined) yield Uint8Array.of(NOT_UTF8);
}

function toOffsets(tokens: readonly number[], pieces: readonly Buffer[]): number[] {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let length = 0;
  const ends = [...toBytes(tokens, pieces)].map((bytes) => {
    length += decoder.decode(bytes, { stream: true }).length;
    return length;
  });
  return [0, ...ends].slice(0, tokens.length);
}
