import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { TrainingFailure } from './failure.ts';

/** A training row: its turns follow each other in one sequence, and the loss is on the completions. */
export const TrainingRow = z.strictObject({
  id: z.string().min(1),
  dataset: z.string().min(1),
  turns: z.array(z.strictObject({ prompt: z.string(), completion: z.string() })).min(1),
});
export type TrainingRow = z.infer<typeof TrainingRow>;

/** A row and where it stands, for messages. */
export interface PlacedRow {
  readonly row: TrainingRow;
  readonly place: string;
}

export interface Rows {
  readonly rows: readonly PlacedRow[];
  /** SHA-256 of the files' bytes, in hex. */
  readonly digest: string;
}

/** Reads JSONL files in order; throws TrainingFailure 'bad-data' that names the file and the line. */
export async function readRows(files: readonly string[]): Promise<Rows> {
  const hash = createHash('sha256');
  const rows: PlacedRow[] = [];
  for (const file of files) {
    const bytes = await read(file);
    hash.update(`${bytes.length}\n`).update(bytes);
    for (const [i, line] of bytes.toString('utf8').split('\n').entries()) {
      if (line.trim() === '') continue;
      const place = `${file}:${i + 1}`;
      rows.push({ row: parse(line, place), place });
    }
  }
  return { rows, digest: hash.digest('hex') };
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new TrainingFailure('bad-data', `${file}: ${(error as Error).message}`, error);
  }
}

function parse(line: string, place: string): TrainingRow {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new TrainingFailure('bad-data', `${place}: not JSON (${(error as Error).message})`);
  }
  const parsed = TrainingRow.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new TrainingFailure('bad-data', `${place}: ${z.prettifyError(parsed.error)}`);
}
