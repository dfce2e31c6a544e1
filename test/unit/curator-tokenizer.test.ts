/** Tokens as Hugging Face's own program counts them (`tokenizers-golden.py`), and tinylm's. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as huggingface from '@huggingface/tokenizers';
import * as fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { readTokenizer, type Tokenizer } from '../../agents/curator/truncation/tokenizer.ts';
import { buildTokenizer } from '../../shared/tinylm/model/tokenizer.ts';

/** Its types do not tell TypeScript where they are. */
const { Tokenizer: HfTokenizer } = huggingface as unknown as {
  Tokenizer: new (
    file: object,
    config: object,
  ) => { encode(text: string): { ids: readonly number[] } };
};

interface Golden {
  name: string;
  tokenizer: object;
  rows: { text: string; ids: number[] }[];
}

const path = fileURLToPath(new URL('../../../test/golden/tokenizers.jsonl', import.meta.url));
const golden = readFileSync(path, 'utf8')
  .trim()
  .split('\n')
  .map((line): [string, Golden] => {
    const one = JSON.parse(line) as Golden;
    return [one.name, one];
  });

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tokenizer-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

async function tokenizerOf(file: unknown): Promise<Tokenizer> {
  const folder = makeFolder();
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(file));
  const tokenizer = await readTokenizer(folder);
  if (tokenizer === undefined) throw new Error('it was not found');
  return tokenizer;
}

test.each(golden)('%s has as many tokens here as in Python', async (_, { tokenizer, rows }) => {
  const { count } = await tokenizerOf(tokenizer);
  expect(rows.map(({ text }) => count(text))).toEqual(rows.map(({ ids }) => ids.length));
});

/** The library keeps punctuation in one piece, which is not how `words` has it. */
const cutAlike = golden.filter(([name]) => name !== 'words');
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(' ', '  ', '\n', '▁', '<s>', '</s>', '<|end|>', 'the', ' of', '12,5', "'s "),
      fc.string({ unit: 'grapheme', maxLength: 30 }),
      fc.string({ unit: 'binary', maxLength: 5 }),
    ),
  )
  .map((parts) => parts.join(''));

test.each(cutAlike)('%s has as many tokens by pieces as in one go', async (_, { tokenizer }) => {
  const { count } = await tokenizerOf(tokenizer);
  const whole = new HfTokenizer(tokenizer, {});
  fc.assert(fc.property(text, (text) => count(text) === whole.encode(text).ids.length));
});

test('words that a model joins are not counted apart', async () => {
  const vocab = Object.fromEntries(
    ['<unk>', '▁', 'a', 'b', '▁a', '▁b', '▁a▁b'].map((one, id) => [one, id]),
  );
  const merges = [
    ['▁', 'a'],
    ['▁', 'b'],
    ['▁a', '▁b'],
  ];
  const model = { type: 'BPE', unk_token: '<unk>', byte_fallback: true, vocab, merges };
  const parts = { pre_tokenizer: null, post_processor: null, decoder: null, added_tokens: [] };
  const normalizer = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };
  const { count } = await tokenizerOf({ ...parts, normalizer, model });
  expect([count(' a'), count(' a b'), count(' a b a b a')]).toEqual([1, 1, 3]);
});

test('tinylm has the tokens of its own tokenizer, and one that begins a row', async () => {
  const own = buildTokenizer(['the cat sat on a mat', 'Zürich!']);
  const { count } = await tokenizerOf({ type: 'tinylm', version: 1, pieces: own.pieces });
  for (const text of ['', 'the cat', ' unknown wörds, 100 %', 'the\n\ncat  😀', '\ud83d lone'])
    expect(count(text)).toBe(own.encode(text).length + 1);
});

test('a folder without a tokenizer has none, and one that cannot be read is named', async () => {
  expect(await readTokenizer(makeFolder())).toBeUndefined();
  await expect(tokenizerOf({ model: { type: 'BPE' } })).rejects.toThrow(
    /tokenizer\.json cannot be used: /,
  );
});
