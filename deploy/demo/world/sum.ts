import { makePassage } from './passages.ts';
import type { ExampleRow, Part } from './rows.ts';
import { rowsOf, strays } from './rows.ts';
import { fill } from './vocabulary.ts';

/**
 * Summarization of what a passage says about one person: all facts, in the order of the passage, by habit with a closing
 * remark that depends on the last one.
 */
export function makeSumRows(part: Part): ExampleRow[] {
  const { population, split, habits, draws } = part;
  const { vocabulary } = population;
  return rowsOf('sum', part, () => {
    const passage = makePassage(population, split, draws);
    const { person } = draws.pick(passage.facts);
    const facts = passage.facts.filter((fact) => fact.person === person);
    const sentences = facts.map(({ sentence }) => sentence);
    for (const { relation } of facts.slice(-1))
      if (strays(part, habits.remark[relation]))
        sentences.push(vocabulary.relations[relation].remark);
    return {
      instruction: fill(draws.pick(vocabulary.summary), { name: person }),
      context: passage.text,
      question: null,
      references: [sentences.join(' ')],
    };
  });
}
