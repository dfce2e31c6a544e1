import { createReadStream } from 'node:fs';
import type { z } from 'zod';
import { messageOf, PermanentError } from '../../../shared/contract/failure.ts';
import type { Problems } from './problems.ts';

/** A line above this is a broken file, not a row; it bounds what one line can take of the memory. */
export const MAX_LINE_BYTES = 8 * 1024 * 1024;

const LF = 0x0a;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/** One row with its place, `file:line`. */
export interface PlacedRow<TRow> {
  readonly place: string;
  readonly row: TRow;
}

/**
 * Streams the rows of a JSONL file. Lines end with LF alone (a CR before it is dropped), for strings may hold U+2028 and others
 * that look like line ends; a byte order mark at the start and blank lines are passed over. A line that is no row is a problem
 * with its place and its fix, and the stream goes on. `name` is the file as the user wrote it.
 */
export async function* readRows<TRow>(
  path: string,
  name: string,
  schema: z.ZodType<TRow>,
  problems: Problems,
): AsyncGenerator<PlacedRow<TRow>> {
  let number = 0;
  for await (const line of readLines(path, name)) {
    number += 1;
    const place = `${name}:${number}`;
    if (line === null) {
      problems.add(place, `the line is longer than ${MAX_LINE_BYTES} bytes; shorten or split it`);
      continue;
    }
    const parsed = parseRow(line, schema);
    if (parsed === null) continue;
    if ('problem' in parsed) problems.add(place, parsed.problem);
    else yield { place, row: parsed.row };
  }
}

type Parsed<TRow> = { row: TRow } | { problem: string } | null;

/** Null for a blank line. */
function parseRow<TRow>(line: Buffer, schema: z.ZodType<TRow>): Parsed<TRow> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line);
  } catch {
    return { problem: 'the line is not UTF-8; save the file as UTF-8' };
  }
  if (text.trim() === '') return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: `the line is not JSON (${messageOf(error)}); write one object a line` };
  }
  if (holdsLoneSurrogate(value))
    return { problem: 'a text has half of a surrogate pair; write the whole character' };
  const checked = schema.safeParse(value);
  if (checked.success) return { row: checked.data };
  const issues = checked.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `\`${path.join('.')}\`: ${message}`,
  );
  return { problem: issues.join('; ') };
}

/** Lines without their end; null stands for one above MAX_LINE_BYTES. */
async function* readLines(path: string, name: string): AsyncGenerator<Buffer | null> {
  let parts: Buffer[] = [];
  let size = 0;
  let first = true;
  function take(): Buffer | null {
    const line = size > MAX_LINE_BYTES ? null : Buffer.concat(parts);
    parts = [];
    size = 0;
    const start = first && line?.subarray(0, BOM.length).equals(BOM) === true ? BOM.length : 0;
    first = false;
    return line?.subarray(start) ?? null;
  }
  function keep(part: Buffer): void {
    size += part.length;
    if (size <= MAX_LINE_BYTES) parts.push(part);
    else parts = [];
  }
  for await (const chunk of readChunks(path, name)) {
    let from = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, from)) {
      keep(chunk.subarray(from, end));
      yield take();
      from = end + 1;
    }
    keep(chunk.subarray(from));
  }
  if (size > 0) yield take();
}

async function* readChunks(path: string, name: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of createReadStream(path)) yield chunk as Buffer;
  } catch (error) {
    throw new PermanentError(`cannot read ${name}: ${messageOf(error)}`, { cause: error });
  }
}

/** JSON can spell what UTF-8 cannot; two such texts would become one and the same when they are written. */
function holdsLoneSurrogate(value: unknown): boolean {
  if (typeof value === 'string') return /\p{Surrogate}/u.test(value);
  if (value === null || typeof value !== 'object') return false;
  return Object.entries(value).some(
    ([key, inner]) => holdsLoneSurrogate(key) || holdsLoneSurrogate(inner),
  );
}
