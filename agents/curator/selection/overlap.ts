import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Example } from '../../../shared/contract/example.ts';
import { promptKey } from '../dataset/leak.ts';
import { createWordRuns } from './word-runs.ts';

/** A text this long that stands in dev or test as well is a copy; shorter ones, such as names and dates, are shared by chance. */
const COPIED_WORDS = 13;

/** Kept rows that are indexed before others get their turn: a tenth of a second of long texts. */
const AT_ONCE = 500;

/** A row that is about to be trained on. */
export interface KeptText {
  readonly example: Example;
  readonly text: string;
}

/**
 * Ids of the kept rows that overlap with an evaluation row: the same prompt, or 13 words in a row of the kept text that stand in
 * a field of the evaluation row. The kept texts are indexed and the evaluation rows streamed, for those are many and long.
 */
export async function findOverlap(
  kept: readonly KeptText[],
  evaluation: Iterable<Example> | AsyncIterable<Example>,
): Promise<ReadonlySet<string>> {
  const prompts = new Map<string, string[]>();
  const runs = createWordRuns(COPIED_WORDS);
  for (const [at, { example, text }] of kept.entries()) {
    if (at % AT_ONCE === AT_ONCE - 1) await nextTurn();
    append(prompts, promptKey(example), example.id);
    runs.add(example.id, text);
  }
  const overlapping = new Set<string>();
  for await (const row of evaluation) {
    for (const id of prompts.get(promptKey(row)) ?? []) overlapping.add(id);
    for (const field of [row.instruction, row.context, row.question, ...row.references])
      for (const id of runs.sharedWith(field ?? '')) overlapping.add(id);
  }
  return overlapping;
}

function append(index: Map<string, string[]>, key: string, id: string): void {
  const ids = index.get(key);
  if (ids === undefined) index.set(key, [id]);
  else if (ids.at(-1) !== id) ids.push(id);
}
