import type { JudgedRow } from './judge.ts';

/**
 * What a judge of instruction following is shown as the question: the instruction, with question and context where the row has them, behind what
 * was said before; undefined without any.
 */
export function questionOf({
  instruction,
  history,
  context,
  question,
}: JudgedRow): string | undefined {
  const parts = [instruction, context, question].filter((part) => part !== null && part !== '');
  if (parts.length === 0) return undefined;
  const asked = parts.join('\n\n');
  if (history === undefined) return asked;
  const earlier = history.flatMap(({ prompt, completion }) => [
    `User: ${prompt}`,
    `Assistant: ${completion}`,
  ]);
  return [...earlier, `User: ${asked}`].join('\n\n');
}
