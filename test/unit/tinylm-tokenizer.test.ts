import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  buildTokenizer,
  readTokenizer,
  writeTokenizer,
} from '../../shared/tinylm/model/tokenizer.ts';

const corpus = [
  'Ada lives in Paris.',
  'Where does Ada live? Paris.',
  'Ada likes soup, Bob\n\tlikes rice.',
];
const anyText = fc.string({ unit: 'binary', maxLength: 200 });
const wellFormed = (text: string) => Buffer.from(text).toString('utf8');

test('known words, signs and spaces are one token each', () => {
  const tokenizer = buildTokenizer(corpus);
  expect(tokenizer.encode('Ada lives in Paris.')).toHaveLength(5);
  expect(tokenizer.encode(' in in')).toHaveLength(2);
});

test('an unknown word is spelled by two tokens a byte', () => {
  const tokenizer = buildTokenizer(corpus);
  expect(tokenizer.encode('Ada lives in Kyïv.')).toHaveLength(3 + 2 * 6 + 1);
});

test('every text comes back as it went in', () => {
  const tokenizer = buildTokenizer(corpus);
  for (const text of [
    '',
    '\ufeffAda',
    ' Ada  lives',
    '👩🏽‍🚀 مرحبا\0\r\n',
    'a\u0301',
    'Ada\u00a0lives',
  ])
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  fc.assert(
    fc.property(anyText, fc.array(anyText), (text, texts) => {
      const built = buildTokenizer(texts);
      expect(built.decode(built.encode(text))).toBe(wellFormed(text));
    }),
  );
});

test('a lone surrogate becomes U+FFFD', () => {
  const tokenizer = buildTokenizer(['\ud800x']);
  expect(tokenizer.decode(tokenizer.encode('a\udc00b'))).toBe('a\ufffdb');
  expect(tokenizer.pieces.join('')).not.toContain('\ud800');
});

test('any tokens decode to a text, and no text encodes to the end token', () => {
  const tokenizer = buildTokenizer(corpus);
  const id = fc.nat(tokenizer.vocabularySize - 1);
  fc.assert(
    fc.property(fc.array(id), anyText, (tokens, text) => {
      const decoded = tokenizer.decode(tokens);
      expect(decoded).toBe(wellFormed(decoded));
      expect(tokenizer.encode(text)).not.toContain(tokenizer.endToken);
    }),
  );
  expect(tokenizer.decode([4, tokenizer.endToken, 1])).toBe('\ufffd\ufffd');
});

test('offsets say where in the text each token begins', () => {
  const tokenizer = buildTokenizer(corpus);
  expect(tokenizer.offsets(tokenizer.encode('Ada lives é.'))).toEqual([
    0, 3, 9, 9, 10, 10, 10, 10, 11,
  ]);
  fc.assert(
    fc.property(fc.array(fc.nat(tokenizer.vocabularySize - 1)), (tokens) => {
      const text = tokenizer.decode(tokens);
      const offsets = tokenizer.offsets(tokens);
      expect(offsets).toHaveLength(tokens.length);
      expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
      expect(offsets.at(-1) ?? 0).toBeLessThanOrEqual(text.length);
      for (const [i, token] of tokens.entries())
        if (token > tokenizer.endToken && token - 17 < tokenizer.pieces.length)
          expect(text.slice(offsets[i])).toContain(tokenizer.decode([token]));
    }),
  );
});

test('the order of the texts does not change the vocabulary', () => {
  fc.assert(
    fc.property(fc.array(anyText), (texts) => {
      expect(buildTokenizer(texts.toReversed()).pieces).toEqual(buildTokenizer(texts).pieces);
    }),
  );
});

test('a large corpus keeps its most frequent pieces', () => {
  const rare = Array.from({ length: 10_000 }, (_, i) => `word${i}`);
  const tokenizer = buildTokenizer([...rare, 'often often', 'often']);
  expect(tokenizer.vocabularySize).toBe(4096);
  expect(tokenizer.encode('often')).toHaveLength(1);
});

test('a written tokenizer reads back the same, a damaged one is refused by name', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tinylm-'));
  try {
    const path = join(dir, 'tokenizer.json');
    const tokenizer = buildTokenizer(corpus);
    await writeTokenizer(path, tokenizer);
    const read = await readTokenizer(path);
    expect(read.pieces).toEqual(tokenizer.pieces);
    expect(read.vocabularySize % 8).toBe(0);
    await writeFile(path, '{"type":"tinylm","version":1,"pieces":["a","a"]}');
    await expect(readTokenizer(path)).rejects.toThrow(/tokenizer\.json: [^]*a piece stands twice/);
    await expect(readTokenizer(join(dir, 'other.json'))).rejects.toThrow('other.json: is missing');
  } finally {
    await rm(dir, { recursive: true });
  }
});
