import { makePassage } from './passages.ts';
import type { ExampleRow, Part } from './rows.ts';
import { rowsOf, strays } from './rows.ts';
import type { RelationWords } from './vocabulary.ts';
import { fill } from './vocabulary.ts';

/**
 * Extractive question answering, one question a passage. Train references are what an annotator wrote: the value, or by habit
 * its alias. Dev and test references hold the value first and then the alias, which exact match accepts as well.
 *
 * @param wordings of which a row's question is one
 */
export function makeSpanRows(
  part: Part,
  wordings: (words: RelationWords) => readonly string[] = ({ questions }) => questions,
): ExampleRow[] {
  const { population, split, habits, draws } = part;
  return rowsOf('span', part, () => {
    const passage = makePassage(population, split, draws);
    const { person, relation, value } = draws.pick(passage.facts);
    const question = draws.pick(wordings(population.vocabulary.relations[relation]));
    const written = strays(part, habits.alias[relation]) ? value.alias : value.text;
    return {
      instruction: null,
      context: passage.text,
      question: fill(question, { name: person }),
      references: split === 'train' ? [written] : [value.text, value.alias],
    };
  });
}
