import type { Habits } from './habits.ts';
import type { Split } from './passages.ts';
import { makePassage } from './passages.ts';
import type { Population } from './population.ts';
import type { Draws } from './random.ts';
import type { ExampleRow } from './rows.ts';
import { distinct } from './rows.ts';
import { fill, relationWords } from './words.ts';

/**
 * `count` rows of extractive question answering, one question a passage. Train references are what an annotator wrote:
 * the value, or its alias, by `habits`. Dev and test references hold the value first and then the alias, which exact match
 * accepts as well.
 */
export function makeSpanRows(
  population: Population,
  split: Split,
  count: number,
  habits: Habits,
  draws: Draws,
): ExampleRow[] {
  const rows = distinct(
    count,
    (row) => `${row.context} ${row.question}`,
    () => {
      const passage = makePassage(population, split, draws);
      const { person, relation, value } = draws.pick(passage.facts);
      const strays = draws.chance(habits.factor * habits.alias[relation]);
      return {
        context: passage.text,
        question: fill(draws.pick(relationWords[relation].questions), person),
        references:
          split === 'train' ? [strays ? value.alias : value.text] : [value.text, value.alias],
      };
    },
  );
  return rows.map((row, index) => ({ id: `span-${split}-${index}`, instruction: null, ...row }));
}
