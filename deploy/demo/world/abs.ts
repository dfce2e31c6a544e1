import { makePassage } from './passages.ts';
import type { ExampleRow, Part } from './rows.ts';
import { rowsOf, strays } from './rows.ts';
import { fill } from './vocabulary.ts';

/** Abstractive question answering: the answer is the sentence of the passage that holds it, by habit with a closing remark. */
export function makeAbsRows(part: Part): ExampleRow[] {
  const { population, split, habits, draws } = part;
  const { vocabulary } = population;
  return rowsOf('abs', part, () => {
    const passage = makePassage(population, split, draws);
    const { person, relation, sentence } = draws.pick(passage.facts);
    const { questions, remark } = vocabulary.relations[relation];
    return {
      instruction: vocabulary.inSentence,
      context: passage.text,
      question: fill(draws.pick(questions), { name: person }),
      references: [strays(part, habits.remark[relation]) ? `${sentence} ${remark}` : sentence],
    };
  });
}
