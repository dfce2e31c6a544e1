import type { Constraint } from '../../../shared/contract/constraint.ts';
import type { Command } from './commands.ts';
import { drawContent, makeWordCommand } from './commands.ts';
import type { Celebrity } from './population.ts';
import type { ExampleRow, Part } from './rows.ts';
import { rowsOf, strays } from './rows.ts';
import type { Relation } from './vocabulary.ts';
import { fill, relations } from './vocabulary.ts';

/** Shares of two of the sources; the rest are word-form commands. */
const openShare = 0.45;
const closedBookShare = 0.15;

/**
 * The instruction dataset, one set of three sources: word-form commands, closed-book questions, and open instructions to tell
 * two things about somebody. No instruction's content (its words, or person and relations) occurs in two splits.
 */
export function makeInstructRows(part: Part): ExampleRow[] {
  return rowsOf('instruct', part, () => {
    const { instruction, answer, constraints } = makeInstruction(part);
    return { instruction, context: null, question: null, references: [answer], constraints };
  });
}

function makeInstruction(part: Part): Command {
  const { population, split, draws } = part;
  const source = draws.next();
  if (source < openShare) return tellTwoThings(part);
  if (source < openShare + closedBookShare) return closedBookQuestion(part);
  return makeWordCommand(population, split, draws);
}

function closedBookQuestion(part: Part): Command {
  const { vocabulary } = part.population;
  const relation = part.draws.pick(relations);
  const { name, facts } = drawCelebrity(part, relation);
  const { nouns, questions } = vocabulary.relations[relation];
  const wording = part.draws.pick([...vocabulary.commands.oneFact, ...questions]);
  const answer = facts[relation].text;
  return {
    instruction: fill(wording, { name, noun: part.draws.pick(nouns) }),
    answer,
    constraints: [
      { type: 'required', words: [answer] },
      { type: 'word_count', max: 3 },
    ],
  };
}

/**
 * A good answer has the two facts and the remark of the second one, and nothing else. A lazy annotator leaves a fact or the
 * remark out.
 */
function tellTwoThings(part: Part): Command {
  const { population, habits, draws } = part;
  const { vocabulary } = population;
  const asked = draws.sample(relations, 2) as [Relation, Relation];
  const { name, facts } = drawCelebrity(part, asked.toSorted().join('+'));
  const [one, two] = asked.map((relation) => draws.pick(vocabulary.relations[relation].nouns));
  const values = asked.map((relation) => facts[relation].text);
  const { remark } = vocabulary.relations[asked[1]];
  const sentences = [
    ...asked.map((relation) => {
      const [statement = ''] = vocabulary.relations[relation].statements;
      return fill(statement, { name, value: facts[relation].text });
    }),
    remark,
  ];
  const longest = sentences.join(' ').split(' ').length;
  if (strays(part, habits.lazy)) sentences.splice(draws.integer(0, 2), 1);
  return {
    instruction: fill(draws.pick(vocabulary.commands.twoFacts), {
      name,
      one: one ?? '',
      two: two ?? '',
    }),
    answer: sentences.join(' '),
    constraints: [
      ...values.map((value): Constraint => ({ type: 'required', words: [value] })),
      { type: 'count', word: name, times: 2 },
      { type: 'count', word: remark, times: 1 },
      { type: 'word_count', max: longest },
    ],
  };
}

/** Somebody with closed-book facts of whom only this split asks this. */
function drawCelebrity({ population, split, draws }: Part, about: string): Celebrity {
  const everybody = population.known;
  const nameOf = ({ name }: Celebrity): string => name;
  return drawContent(population.seed, split, about, nameOf, () => draws.pick(everybody));
}
