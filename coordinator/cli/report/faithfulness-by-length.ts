import type { Dataset } from '../../../shared/contract/run-file.ts';
import { type MeasuredAnswer, meanOf, type RoundAnswers } from './answers.ts';

/** From here on the paper calls a generation much longer than the gold answer. */
const MUCH_LONGER_WORDS = 100;

/** A mean over rows; null where there are none. */
export interface Group {
  readonly n: number;
  readonly mean: number | null;
}

export interface FaithfulnessByLength {
  readonly kinds: 'abstractive' | 'extractive';
  readonly rounds: readonly {
    readonly round: number;
    /** At most as long as the gold answer. */
    readonly short: Group;
    /** Longer than the gold answer. */
    readonly longer: Group;
    /** Of these, more than 100 words longer. */
    readonly muchLonger: Group;
  }[];
}

/**
 * Faithfulness of short and of long generations apart (RESET paper, Figure 5: abstractive QA and summarization; extractive QA is
 * beside it), on test: means over rows, seen and unseen sets together. Lengths are words, the paper's are tokens.
 */
export function faithfulnessByLength(
  rounds: readonly RoundAnswers[],
  datasets: readonly Dataset[],
): FaithfulnessByLength[] {
  const abstractive = namesOf(datasets, ['abstractive_qa', 'summarization']);
  const extractive = namesOf(datasets, ['extractive_qa']);
  return (
    [
      ['abstractive', abstractive],
      ['extractive', extractive],
    ] as const
  )
    .filter(([, names]) => names.size > 0)
    .map(([kinds, names]) => ({
      kinds,
      rounds: rounds.map(({ round, answers }) => {
        const own = answers.filter(({ dataset }) => names.has(dataset));
        return {
          round,
          short: group(own, (excess) => excess <= 0),
          longer: group(own, (excess) => excess > 0),
          muchLonger: group(own, (excess) => excess > MUCH_LONGER_WORDS),
        };
      }),
    }));
}

function namesOf(datasets: readonly Dataset[], kinds: readonly Dataset['kind'][]): Set<string> {
  return new Set(datasets.filter(({ kind }) => kinds.includes(kind)).map(({ name }) => name));
}

function group(answers: readonly MeasuredAnswer[], fits: (excess: number) => boolean): Group {
  const values = answers.flatMap(({ words, goldWords, values: { faithfulness } }) =>
    goldWords !== null && faithfulness !== undefined && fits(words - goldWords)
      ? [faithfulness]
      : [],
  );
  return { n: values.length, mean: meanOf(values) };
}
