import { createReadStream } from 'node:fs';
import type { z } from 'zod';
import { messageOf } from '../contract/failure.ts';
import { problemsOf } from '../contract/problems.ts';

/** One line of a JSONL file: its value, or what is wrong with it, beginning with `<path>:<line>:`. Lines count from 1. */
export type JsonLine<TValue> =
  | { readonly line: number; readonly ok: true; readonly value: TValue }
  | { readonly line: number; readonly ok: false; readonly problem: string };

/**
 * Reads a JSONL file as a stream and checks each line by `schema`; a bad line is yielded as such and reading goes on. Blank
 * lines are passed over. Only LF ends a line: U+2028 and U+0085 occur raw in strings. Holds one line at a time.
 */
export async function* readJsonLines<TSchema extends z.ZodType>(
  path: string,
  schema: TSchema,
  signal?: AbortSignal,
): AsyncGenerator<JsonLine<z.output<TSchema>>> {
  let line = 0;
  for await (const bytes of splitLines(createReadStream(path, { signal }))) {
    line += 1;
    const parsed = parseLine(bytes, schema);
    if (parsed === undefined) continue;
    yield 'problem' in parsed
      ? { line, ok: false, problem: `${path}:${line}: ${parsed.problem}` }
      : { line, ok: true, value: parsed.value };
  }
}

const LF = 0x0a;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Splits bytes, not text: a chunk may end inside a character, and a text has more line ends than LF. */
async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let pending: Buffer[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      pending.push(chunk.subarray(start, end));
      yield joined(pending);
      pending = [];
      start = end + 1;
    }
    pending.push(chunk.subarray(start));
  }
  yield joined(pending);
}

function joined(parts: readonly Buffer[]): Buffer {
  const [first, ...others] = parts;
  return first !== undefined && others.length === 0 ? first : Buffer.concat(parts);
}

function parseLine<TSchema extends z.ZodType>(
  bytes: Buffer,
  schema: TSchema,
): { value: z.output<TSchema> } | { problem: string } | undefined {
  try {
    const text = utf8.decode(bytes);
    if (text.trim() === '') return undefined;
    const checked = schema.safeParse(JSON.parse(text));
    return checked.success ? { value: checked.data } : { problem: problemsOf(checked.error) };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}
