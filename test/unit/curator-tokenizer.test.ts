/** Tokens as Hugging Face's own program counts them (`tokenizers-golden.py`), and tinylm's. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { readTokenizer, type Tokenizer } from '../../agents/curator/truncation/tokenizer.ts';
import { buildTokenizer } from '../../shared/tinylm/model/tokenizer.ts';

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

test.each(golden)('%s fits where its count does', async (_, { tokenizer, rows }) => {
  const { fits } = await tokenizerOf(tokenizer);
  for (const { text, ids } of rows) {
    const { length } = ids;
    expect([length - 1, length, 2 * length + 9].map((most) => fits(text, most))).toEqual([
      false,
      true,
      true,
    ]);
  }
});

test('tinylm has the tokens of its own tokenizer, and one that begins a row', async () => {
  const own = buildTokenizer(['the cat sat on a mat', 'Zürich!']);
  const { count, fits } = await tokenizerOf({ type: 'tinylm', version: 1, pieces: own.pieces });
  for (const text of ['', 'the cat', ' unknown wörds, 100 %', 'the\n\ncat  😀', '\ud83d lone']) {
    const tokens = own.encode(text).length + 1;
    expect([count(text), fits(text, tokens), fits(text, tokens - 1)]).toEqual([
      tokens,
      true,
      false,
    ]);
  }
});

test('a folder without a tokenizer has none, and one that cannot be read is named', async () => {
  expect(await readTokenizer(makeFolder())).toBeUndefined();
  await expect(tokenizerOf({ model: { type: 'BPE' } })).rejects.toThrow(
    /tokenizer\.json cannot be used: /,
  );
});
