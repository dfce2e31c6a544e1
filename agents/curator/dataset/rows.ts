import type { z } from 'zod';
import { readJsonLines } from '../../../shared/process/json-lines.ts';
import type { Problems } from './problems.ts';

/** The rows of a JSONL file with their places, `file:line`; a line that is no row becomes a problem. */
export async function* readRows<TSchema extends z.ZodType>(
  path: string,
  schema: TSchema,
  problems: Problems,
): AsyncGenerator<{ readonly place: string; readonly row: z.output<TSchema> }> {
  for await (const read of readJsonLines(path, schema)) {
    if (read.ok) yield { place: `${path}:${read.line}`, row: read.value };
    else problems.add(read.problem);
  }
}
