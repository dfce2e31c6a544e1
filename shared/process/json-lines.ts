import { createReadStream } from 'node:fs';
import type { z } from 'zod';
import { messageOf, PermanentError } from '../contract/failure.ts';
import { problemsOf } from '../contract/problems.ts';

/** One line of a JSONL file: its value, or what is wrong with it, beginning with `<path>:<line>:`. Lines count from 1. */
export type JsonLine<TValue> =
  | { readonly line: number; readonly ok: true; readonly value: TValue }
  | { readonly line: number; readonly ok: false; readonly problem: string };

/** A line above this is a broken file, not a row; it bounds what one line can take of the memory. */
export const MAX_LINE_BYTES = 8 * 1024 * 1024;

/**
 * Reads a JSONL file as a stream and checks each line by `schema`; a bad line is yielded as such and reading goes on. Blank
 * lines are passed over. Only LF ends a line: U+2028 and U+0085 occur raw in strings. Holds one line at a time. Throws
 * PermanentError where the file cannot be read.
 */
export async function* readJsonLines<TSchema extends z.ZodType>(
  path: string,
  schema: TSchema,
  signal?: AbortSignal,
): AsyncGenerator<JsonLine<z.output<TSchema>>> {
  let line = 0;
  for await (const bytes of splitLines(readChunks(path, signal))) {
    line += 1;
    const parsed = bytes === null ? tooLong : parseLine(bytes, schema);
    if (parsed === undefined) continue;
    yield 'problem' in parsed
      ? { line, ok: false, problem: `${path}:${line}: ${parsed.problem}` }
      : { line, ok: true, value: parsed.value };
  }
}

const LF = 0x0a;
const utf8 = new TextDecoder('utf-8', { fatal: true });
const tooLong = { problem: `the line is longer than ${MAX_LINE_BYTES} bytes; shorten or split it` };

async function* readChunks(path: string, signal?: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of createReadStream(path, { signal })) yield chunk as Buffer;
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new PermanentError(`cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * Splits bytes, not text: a chunk may end inside a character, and a text has more line ends than LF. Null stands for a line above
 * MAX_LINE_BYTES, which is not kept.
 */
async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer | null> {
  let pending: Buffer[] = [];
  let size = 0;
  function keep(part: Buffer): void {
    size += part.length;
    if (size <= MAX_LINE_BYTES) pending.push(part);
    else pending = [];
  }
  function take(): Buffer | null {
    const line = size <= MAX_LINE_BYTES ? joined(pending) : null;
    pending = [];
    size = 0;
    return line;
  }
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      keep(chunk.subarray(start, end));
      yield take();
      start = end + 1;
    }
    keep(chunk.subarray(start));
  }
  yield take();
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
    const value: unknown = JSON.parse(text);
    if (holdsLoneSurrogate(value))
      return { problem: 'a text has half of a surrogate pair; write the whole character' };
    const checked = schema.safeParse(value);
    return checked.success ? { value: checked.data } : { problem: problemsOf(checked.error) };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

/** JSON can spell what UTF-8 cannot: two such texts would become one and the same when they are written. */
function holdsLoneSurrogate(value: unknown): boolean {
  if (typeof value === 'string') return /\p{Surrogate}/u.test(value);
  if (value === null || typeof value !== 'object') return false;
  return Object.entries(value).some(
    ([key, inner]) => holdsLoneSurrogate(key) || holdsLoneSurrogate(inner),
  );
}
