import { meanOf, type RoundAnswers } from './answers.ts';

/** Mean answer length by dataset, in words. `gold` has those of the first references, over the same rows. */
export interface Lengths {
  readonly gold: Readonly<Record<string, number | null>>;
  readonly rounds: readonly {
    readonly round: number;
    readonly words: Readonly<Record<string, number | null>>;
  }[];
}

/** Average generation length through training (RESET paper, Figure 4), on test. */
export function averageLengths(
  rounds: readonly RoundAnswers[],
  datasets: readonly string[],
): Lengths {
  const byDataset = (
    { answers }: RoundAnswers,
    lengthOf: (answer: RoundAnswers['answers'][number]) => number | null,
  ): Record<string, number | null> =>
    Object.fromEntries(
      datasets.map((dataset) => [
        dataset,
        meanOf(
          answers
            .filter((answer) => answer.dataset === dataset)
            .flatMap((answer) => lengthOf(answer) ?? []),
        ),
      ]),
    );
  const [first] = rounds;
  return {
    gold: first === undefined ? {} : byDataset(first, ({ goldWords }) => goldWords),
    rounds: rounds.map((one) => ({
      round: one.round,
      words: byDataset(one, ({ words }) => words),
    })),
  };
}
