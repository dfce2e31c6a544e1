import type { Constraint } from '../../../shared/contract/constraint.ts';
import type { Split } from './passages.ts';
import type { Celebrity, Population, Value } from './population.ts';
import type { Draws } from './random.ts';
import { placeOf } from './random.ts';
import type { ExampleRow } from './rows.ts';
import { distinct } from './rows.ts';
import type { Relation } from './words.ts';
import { capitalWords, commandWords, fill, relations, relationWords, times } from './words.ts';

/** An instruction with one good answer and the constraints by which any answer is checked. */
export interface Command {
  instruction: string;
  answer: string;
  constraints: Constraint[];
}

type Draw = (population: Population, split: Split, draws: Draws) => Command;

/** `count` rows of one split; no instruction's content (its words, or person and relations) occurs in two splits. */
export function makeInstructRows(
  population: Population,
  split: Split,
  count: number,
  draws: Draws,
): ExampleRow[] {
  const commands = distinct(
    count,
    (command) => command.instruction,
    () => makeCommand(population, split, draws),
  );
  return commands.map(({ instruction, answer, constraints }, index) => ({
    id: `instruct-${split}-${index}`,
    instruction,
    context: null,
    question: null,
    references: [answer],
    constraints,
  }));
}

/** One command of a kind drawn at random: word-form commands, other names for things, closed-book facts. */
export function makeCommand(population: Population, split: Split, draws: Draws): Command {
  return draws.pick(kinds)(population, split, draws);
}

const kinds: readonly Draw[] = [repeat, capitals, list, without, otherName, fact, fact, twoFacts];

function repeat(population: Population, split: Split, draws: Draws): Command {
  const words = drawWords(population, split, 'repeat', commandWords, 2, draws);
  const text = words.join(' ');
  const [word, count] = draws.pick(times);
  return {
    instruction: draws.pick([`Say ${text} ${word} times.`, `Repeat ${text} ${word} times.`]),
    answer: Array<string>(count).fill(text).join(' '),
    constraints: [
      ...words.map((one): Constraint => ({ type: 'count', word: one, times: count })),
      { type: 'word_count', min: 2 * count, max: 2 * count },
    ],
  };
}

function capitals(population: Population, split: Split, draws: Draws): Command {
  const words = drawWords(population, split, 'capitals', capitalWords, 2, draws);
  const text = words.join(' ');
  return {
    instruction: draws.pick([`Write ${text} in capitals.`, `Say ${text} in capitals.`]),
    answer: text.toUpperCase(),
    constraints: [
      { type: 'case', value: 'upper' },
      { type: 'required', words },
      { type: 'word_count', min: 2, max: 2 },
    ],
  };
}

function list(population: Population, split: Split, draws: Draws): Command {
  const words = drawWords(population, split, 'list', commandWords, 3, draws);
  const [one, two, three] = words;
  return {
    instruction: draws.pick([
      `List ${one} ${two} and ${three}.`,
      `Write a list of ${one} ${two} and ${three}.`,
    ]),
    answer: words.map((word) => `- ${word}`).join('\n'),
    constraints: [
      { type: 'format', value: 'list' },
      { type: 'required', words },
    ],
  };
}

function without(population: Population, split: Split, draws: Draws): Command {
  const words = drawWords(population, split, 'without', commandWords, 3, draws);
  const left = draws.pick(words);
  const kept = words.filter((word) => word !== left);
  return {
    instruction: draws.pick([
      `Say ${words.join(' ')} but not ${left}.`,
      `Write ${words.join(' ')} without ${left}.`,
    ]),
    answer: kept.join(' '),
    constraints: [
      { type: 'required', words: kept },
      { type: 'forbidden', words: [left] },
      { type: 'word_count', min: 2, max: 2 },
    ],
  };
}

/** Here an alias is what is asked for; in an answer from a passage it is what faithfulness forbids. */
function otherName(population: Population, split: Split, draws: Draws): Command {
  const relation = draws.pick(relations);
  const side = split === 'unseen' ? 'unseen' : 'seen';
  const value = drawIn(
    population,
    split,
    'other-name',
    population.values[relation][side],
    textOf,
    draws,
  );
  const [, noun = ''] = value.text.split(' ');
  return {
    instruction: draws.pick([
      `Give another name for ${value.text}.`,
      `Say ${value.text} in other words.`,
    ]),
    answer: value.alias,
    constraints: [
      { type: 'required', words: value.alias.split(' ') },
      { type: 'forbidden', words: [noun] },
      { type: 'word_count', min: 2, max: 2 },
    ],
  };
}

function fact(population: Population, split: Split, draws: Draws): Command {
  const relation = draws.pick(relations);
  const { name, facts } = drawCelebrity(population, split, relation, draws);
  const { noun, questions } = relationWords[relation];
  const answer = facts[relation].text;
  return {
    instruction: draws.pick([
      `Name the ${noun} of ${name}.`,
      `Tell me the ${noun} of ${name}.`,
      fill(questions[1], name),
    ]),
    answer,
    constraints: [
      { type: 'required', words: answer.split(' ') },
      { type: 'word_count', max: 3 },
    ],
  };
}

function twoFacts(population: Population, split: Split, draws: Draws): Command {
  const [one, two] = draws.sample(relations) as [Relation, Relation];
  const { name, facts } = drawCelebrity(population, split, [one, two].sort().join('+'), draws);
  const answers = [facts[one].text, facts[two].text];
  return {
    instruction: draws.pick([
      `Name the ${relationWords[one].noun} and the ${relationWords[two].noun} of ${name}.`,
      `Tell me the ${relationWords[one].noun} and the ${relationWords[two].noun} of ${name}.`,
    ]),
    answer: answers.join(' and '),
    constraints: [
      ...answers.map((answer): Constraint => ({ type: 'required', words: answer.split(' ') })),
      { type: 'word_count', max: 6 },
    ],
  };
}

function drawCelebrity(
  population: Population,
  split: Split,
  about: string,
  draws: Draws,
): Celebrity {
  const side = split === 'unseen' ? 'unseen' : 'seen';
  return drawIn(
    population,
    split,
    `fact/${about}`,
    population.celebrities[side],
    ({ name }) => name,
    draws,
  );
}

/** Different words whose combination belongs to the split. */
function drawWords(
  population: Population,
  split: Split,
  kind: string,
  from: readonly string[],
  count: number,
  draws: Draws,
): string[] {
  for (;;) {
    const words = draws.sample(from, count);
    const key = words.toSorted().join(' ');
    const heldOut = placeOf(population.seed, `words/${key}`) < 0.15;
    if (
      heldOut === (split === 'unseen') &&
      (heldOut || splitOfContent(population, kind, key) === split)
    )
      return words;
  }
}

function drawIn<T>(
  population: Population,
  split: Split,
  kind: string,
  from: readonly T[],
  keyOf: (item: T) => string,
  draws: Draws,
): T {
  return draws.pick(
    from.filter(
      (item) => split === 'unseen' || splitOfContent(population, kind, keyOf(item)) === split,
    ),
  );
}

function splitOfContent(population: Population, kind: string, key: string): Split {
  const place = placeOf(population.seed, `instruct/${kind}/${key}`);
  return place < 0.6 ? 'train' : place < 0.8 ? 'dev' : 'test';
}

function textOf(value: Value): string {
  return value.text;
}
