import { splitWords } from '../../../shared/scoring/normalise.ts';
import type { Answer } from '../../../shared/contract/steps.ts';

/** A greedy answer to a test row, as the analyses of length need it. */
export interface MeasuredAnswer {
  readonly dataset: string;
  readonly example: string;
  /** Words between white space. */
  readonly words: number;
  /** Of the first reference; null where the row has none. */
  readonly goldWords: number | null;
  /** In [0, 1] by axis; an axis without a value is left out. */
  readonly values: Answer['values'];
}

/** The test answers of one evaluated round; round 0 is the start. */
export interface RoundAnswers {
  readonly round: number;
  readonly answers: readonly MeasuredAnswer[];
}

/** Keeps the test answers of an evaluation. One that could not be generated has no length and is left out. */
export async function measureAnswers(answers: AsyncIterable<Answer>): Promise<MeasuredAnswer[]> {
  const measured: MeasuredAnswer[] = [];
  for await (const { dataset, split, example, text, gold, values } of answers) {
    if (split !== 'test' || text === null) continue;
    const goldWords = gold === null ? null : countWords(gold);
    measured.push({ dataset, example, words: countWords(text), goldWords, values });
  }
  return measured;
}

export function countWords(text: string): number {
  return splitWords(text).length;
}

/** Null of no values: an empty set has no mean. */
export function meanOf(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
