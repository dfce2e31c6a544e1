/** Word-form commands: one of the three sources of `instruct`. */
import type { Constraint } from '../../../shared/contract/constraint.ts';
import type { Split } from './passages.ts';
import type { Population, Value } from './population.ts';
import type { Draws } from './random.ts';
import { placeOf } from './random.ts';
import { capitalRelations, fill, nounsOf, relations } from './vocabulary.ts';

/** An instruction with one good answer and the constraints by which any answer is checked. */
export interface Command {
  instruction: string;
  answer: string;
  constraints: Constraint[];
}

type Draw = (population: Population, split: Split, draws: Draws) => Command;

/** One command of a kind drawn at random, with words that only this split asks for in this way. */
export function makeWordCommand(population: Population, split: Split, draws: Draws): Command {
  return draws.pick(kinds)(population, split, draws);
}

/** Draws until the content belongs to the split in this `kind` of instruction: none is shared, whatever the wording. */
export function drawContent<T>(
  seed: number,
  split: Split,
  kind: string,
  keyOf: (content: T) => string,
  draw: () => T,
): T {
  for (;;) {
    const content = draw();
    const place = placeOf(seed, `instruct/${kind}/${keyOf(content)}`);
    if (split === (place < 0.6 ? 'train' : place < 0.8 ? 'dev' : 'test')) return content;
  }
}

const kinds: readonly Draw[] = [repeat, capitals, list, without, otherName];

function repeat({ seed, vocabulary }: Population, split: Split, draws: Draws): Command {
  const words = drawWords(seed, split, 'repeat', nounsOf(vocabulary, commandRelations), 2, draws);
  const text = words.join(' ');
  const [often, count] = draws.pick(vocabulary.times);
  return {
    instruction: fill(draws.pick(vocabulary.commands.repeat), { words: text, times: often }),
    answer: Array<string>(count).fill(text).join(' '),
    constraints: [
      ...words.map((one): Constraint => ({ type: 'count', word: one, times: count })),
      { type: 'word_count', min: 2 * count, max: 2 * count },
    ],
  };
}

function capitals({ seed, vocabulary }: Population, split: Split, draws: Draws): Command {
  const words = drawWords(seed, split, 'capitals', nounsOf(vocabulary, capitalRelations), 2, draws);
  const text = words.join(' ');
  return {
    instruction: fill(draws.pick(vocabulary.commands.capitals), { words: text }),
    answer: text.toUpperCase(),
    constraints: [
      { type: 'case', value: 'upper' },
      { type: 'required', words },
      { type: 'word_count', min: 2, max: 2 },
    ],
  };
}

function list({ seed, vocabulary }: Population, split: Split, draws: Draws): Command {
  const words = drawWords(seed, split, 'list', nounsOf(vocabulary, commandRelations), 3, draws);
  const [one = '', two = '', three = ''] = words;
  return {
    instruction: fill(draws.pick(vocabulary.commands.list), { one, two, three }),
    answer: words.map((word) => `- ${word}`).join('\n'),
    constraints: [
      { type: 'format', value: 'list' },
      { type: 'required', words },
    ],
  };
}

function without({ seed, vocabulary }: Population, split: Split, draws: Draws): Command {
  const words = drawWords(seed, split, 'without', nounsOf(vocabulary, commandRelations), 3, draws);
  const left = draws.pick(words);
  const kept = words.filter((word) => word !== left);
  const asked = vocabulary.commands.without;
  return {
    instruction: fill(draws.pick(asked), { words: words.join(' '), left }),
    answer: kept.join(' '),
    constraints: [
      { type: 'required', words: kept },
      { type: 'forbidden', words: [left] },
      { type: 'word_count', min: 2, max: 2 },
    ],
  };
}

/** Here an alias is what is asked for; in an answer from a passage it is what faithfulness forbids. */
function otherName({ seed, vocabulary, values }: Population, split: Split, draws: Draws): Command {
  const known = values[draws.pick(relations)].seen;
  const textOf = ({ text }: Value): string => text;
  const value = drawContent(seed, split, 'other-name', textOf, () => draws.pick(known));
  const [, noun = ''] = value.text.split(' ');
  return {
    instruction: fill(draws.pick(vocabulary.commands.otherName), { value: value.text }),
    answer: value.alias,
    constraints: [
      { type: 'required', words: value.alias.split(' ') },
      { type: 'forbidden', words: [noun] },
      { type: 'word_count', min: 2, max: 2 },
    ],
  };
}

const commandRelations = ['job', 'food', 'pet'] as const;

/** Different words whose combination belongs to the split, in whatever order. */
function drawWords(
  seed: number,
  split: Split,
  kind: string,
  from: readonly string[],
  count: number,
  draws: Draws,
): string[] {
  const keyOf = (words: string[]): string => words.toSorted().join(' ');
  return drawContent(seed, split, kind, keyOf, () => draws.sample(from, count));
}
