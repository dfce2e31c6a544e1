import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';

/** A part of the data with golden values, whose folder RESET_DATA names; without it the test is skipped and says why. */
export function goldenPath(context: TestContext, path: string): string {
  const folder = process.env['RESET_DATA'];
  if (folder === undefined || folder === '')
    context.skip(`set RESET_DATA to the folder that holds ${path}`);
  return join(folder, path);
}

export function goldenText(context: TestContext, path: string): string {
  return readFileSync(goldenPath(context, path), 'utf8');
}

/** The rows of a JSONL file of that data. Their shape is checked by what is asserted on them. */
export function goldenRows<TRow>(context: TestContext, path: string): TRow[] {
  // Only LF ends a row: strings hold raw U+2028 and U+0085.
  const lines = goldenText(context, path).split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as TRow);
}
