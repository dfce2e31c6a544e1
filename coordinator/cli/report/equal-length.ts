import { type MeasuredAnswer, meanOf, type RoundAnswers } from './answers.ts';

/** Answers of which neither is more than this longer than the other count as equally long (RESET paper, section 4). */
const EQUAL_WORDS = 10;

/** Means of the same rows under the start and under a round; null where there are none. */
export interface Pair {
  readonly n: number;
  readonly start: number | null;
  readonly round: number | null;
}

export interface EqualLength {
  readonly round: number;
  readonly all: Pair;
  /** Rows whose answer changed its length by at most 10 words. */
  readonly equal: Pair;
}

/**
 * Instruction score where the length of the answer stayed as it was, beside all rows (RESET paper, Figure 7), on test: a loss that is
 * there at equal length is no effect of shorter answers. Rows count that have a score under both; lengths are words, the paper's
 * are tokens. Empty without a start or without a round.
 */
export function equalLength(rounds: readonly RoundAnswers[]): EqualLength[] {
  const [start, ...later] = rounds;
  if (start?.round !== 0) return [];
  const before = new Map(start.answers.map((answer) => [keyOf(answer), answer]));
  return later.map(({ round, answers }) => {
    const pairs = answers.flatMap((after) => {
      const was = before.get(keyOf(after));
      const [first, now] = [was?.values.instruction, after.values.instruction];
      if (was === undefined || first === undefined || now === undefined) return [];
      return [{ first, now, change: Math.abs(after.words - was.words) }];
    });
    return {
      round,
      all: pairOf(pairs),
      equal: pairOf(pairs.filter(({ change }) => change <= EQUAL_WORDS)),
    };
  });
}

function keyOf({ dataset, example }: MeasuredAnswer): string {
  return `${dataset}/${example}`;
}

function pairOf(pairs: readonly { first: number; now: number }[]): Pair {
  return {
    n: pairs.length,
    start: meanOf(pairs.map(({ first }) => first)),
    round: meanOf(pairs.map(({ now }) => now)),
  };
}
