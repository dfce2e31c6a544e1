import type { JudgedRow } from '../../../agents/judges/types/judge.ts';

const ROWS = 200;
const ANSWERS = 7;
const PASSAGE_WORDS = 120;
const PARTS = ['The', 'a', 'An', 'Oslo,', 'ran.', '(1905)', "Ada's", 'river', 'of', 'blue'];

export interface Pair {
  readonly row: JudgedRow;
  readonly answer: string;
}

/** Answers of 1 to 40 words, seven to a row with a passage of 120 words and two references of 1 to 20; always the same. */
export function makePairs(): Pair[] {
  let state = 1;
  const below = (most: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * most);
  };
  const words = (count: number): string[] =>
    Array.from({ length: count }, () =>
      below(3) === 0 ? (PARTS[below(PARTS.length)] ?? '') : `word${below(500)}`,
    );
  const span = (passage: readonly string[], most: number): string => {
    const from = below(passage.length - most);
    return passage.slice(from, from + 1 + below(most)).join(' ');
  };
  return Array.from({ length: ROWS }, () => {
    const passage = words(PASSAGE_WORDS);
    const references = [span(passage, 20), span(passage, 20)];
    const context = passage.join(' ');
    const row = { instruction: null, context, question: 'Where?', references };
    return Array.from({ length: ANSWERS }, (_, at) => ({
      row,
      answer: at === 0 ? (references[0] ?? '') : span(passage, 40),
    }));
  }).flat();
}
