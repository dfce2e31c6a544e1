import { appendFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** Where a drill keeps what it has seen, beside the state that it is about and written by nobody else. */
export function evidenceFolder(state: string) {
  const root = join(state, 'drill');
  return {
    root,
    /** One file a peer: executions of units (RESET_ATTEMPTS). */
    attempts: join(root, 'attempts'),
    /** One file for each failpoint that fired (RESET_FAILPOINT_MARKS). */
    marks: join(root, 'marks'),
    /** Messages that went over the bus. */
    tap: join(root, 'tap.jsonl'),
    /** What the drill did to the processes. */
    blows: join(root, 'blows.jsonl'),
  };
}

/** Something done to a process by the drill; `wiped` is the broker's store, `starved` is a process without disk. */
export const Blow = z.strictObject({
  blow: z.enum(['killed', 'stopped', 'starved', 'wiped']),
  /** A process of the cluster, or `all`. */
  target: z.string(),
});
export type Blow = z.infer<typeof Blow>;

export const Mark = z.object({
  failpoint: z.string(),
  action: z.string(),
  peer: z.string().optional(),
});
export type Mark = z.infer<typeof Mark>;

export function recordBlow(state: string, blow: Blow): void {
  const { root, blows } = evidenceFolder(state);
  mkdirSync(root, { recursive: true });
  appendFileSync(blows, `${JSON.stringify(blow)}\n`);
}

/** Failpoints that have fired in this state folder. */
export function readMarks(state: string): Mark[] {
  const { marks } = evidenceFolder(state);
  return filesIn(marks).flatMap((name) => readLines(join(marks, name), Mark));
}

/** Names in a folder; none where there is no folder. */
export function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** The whole lines of a JSON lines file; a line that a kill has torn, the last one, is left out. None where there is no file. */
export function readLines<TLine>(path: string, schema: z.ZodType<TLine>): TLine[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => schema.parse(JSON.parse(line)));
}
