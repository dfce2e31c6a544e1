import type { JudgedRow } from './judge.ts';

/** What a judge of instruction following is shown as the question: the instruction, with question and context where the row has them; undefined without any. */
export function questionOf({ instruction, context, question }: JudgedRow): string | undefined {
  const parts = [instruction, context, question].filter((part) => part !== null && part !== '');
  return parts.length === 0 ? undefined : parts.join('\n\n');
}
