import * as fc from 'fast-check';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { MAX_LINE_BYTES, readJsonLines } from '../../shared/process/json-lines.ts';

const folder = mkdtempSync(join(tmpdir(), 'json-lines-'));
const path = join(folder, 'rows.jsonl');
afterAll(() => rmSync(folder, { recursive: true }));

async function read(bytes: string | Uint8Array): Promise<string[]> {
  writeFileSync(path, bytes);
  const lines: string[] = [];
  for await (const row of readJsonLines(path, z.strictObject({ text: z.string() })))
    lines.push(`${row.line} ${row.ok ? row.value.text : row.problem}`);
  return lines;
}

test('any text comes back, whatever line ends it holds and wherever a chunk is cut', async () => {
  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom('\u2028', '\u0085', '\r', '\n', 'é', '👍', '北', '\u0000') }),
    // A stream reads 64 KB at a time.
    fc.integer({ min: 65_500, max: 65_550 }).map((length) => 'é'.repeat(length)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(text, { maxLength: 4 }), async (texts) => {
      const expected = texts.map((one, index) => `${index + 1} ${one}`);
      expect(await read(texts.map((one) => `${JSON.stringify({ text: one })}\n`).join(''))).toEqual(
        expected,
      );
    }),
    { numRuns: 30 },
  );
});

test('a bad line is named by file and line, and reading goes on', async () => {
  const [one, two, three, four, ...others] = await read(
    '{"text":"a"}\n{"text":\n{"txt":1}\n[]\n\n{"text":"b"}',
  );
  expect(one).toBe('1 a');
  expect(two).toContain(`2 ${path}:2: Unexpected end of JSON input`);
  expect(three).toContain(`3 ${path}:3: text: `);
  expect(four).toContain(`4 ${path}:4: `);
  expect(others).toEqual(['6 b']);
});

test('bytes that are not UTF-8 are refused, a byte order mark and CRLF are not', async () => {
  const row = Buffer.from('{"text":"a"}\r\n');
  const bytes = Buffer.concat([
    Buffer.from([0xef, 0xbb, 0xbf]),
    row,
    Buffer.from([0x22, 0xff, 0x22]),
  ]);
  const [one, two] = await read(bytes);
  expect(one).toBe('1 a');
  expect(two).toContain(`${path}:2: The encoded data was not valid`);
});

test('a line above the limit is a problem with its place, and the next line is read', async () => {
  const long = JSON.stringify({ text: 'x'.repeat(MAX_LINE_BYTES) });
  const [one, two] = await read(`${long}\n{"text":"a"}`);
  expect(one).toContain(`1 ${path}:1: the line is longer than 8388608 bytes`);
  expect(two).toBe('2 a');
});

test('half of a surrogate pair is refused, for it would be lost in UTF-8', async () => {
  const [one, two] = await read('{"text":"\\ud83d"}\n{"text":"\\ud83d\\udc4d"}');
  expect(one).toContain(`${path}:1: a text has half of a surrogate pair`);
  expect(two).toBe('2 👍');
});

test('a file that is not there is named', async () => {
  const rows = readJsonLines(join(folder, 'none.jsonl'), z.unknown());
  await expect(rows.next()).rejects.toThrow(`cannot read ${join(folder, 'none.jsonl')}: ENOENT`);
});
