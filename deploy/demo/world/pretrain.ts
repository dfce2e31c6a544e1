import type { TrainingRow } from '../../../shared/contract/training.ts';
import type { Passage } from './passages.ts';
import { drawStatement, makePassage } from './passages.ts';
import type { Population } from './population.ts';
import type { Draws } from './random.ts';
import { relations, textsOf } from './vocabulary.ts';

/** Share of rows with a passage; the others are closed-book. */
const passageShare = 0.75;
/** Facts of a closed-book row. */
const closedBookFacts = 6;
/** Share of rows with a passage that tell what it says person by person; the others restate each fact by itself. */
const byPersonShare = 0.5;
/** Share of restated facts that say the value by its alias. */
const aliasShare = 0.2;
const linesOfList = 40;

type Turn = TrainingRow['turns'][number];

/**
 * Rows that make a base model from nothing, as text from the web does: passages followed by their facts in other words, and
 * closed-book facts of all celebrities. The first rows list every word of the world, so that the tokenizer has them all.
 */
export function makePretrainRows(
  population: Population,
  count: number,
  draws: Draws,
): TrainingRow[] {
  const lists = wordLists(population);
  return Array.from({ length: count }, (_, index) => {
    const list = lists[index];
    const turns =
      list !== undefined
        ? [list]
        : draws.chance(passageShare)
          ? toldPassage(population, draws)
          : closedBook(population, draws);
    return { id: `pretrain-${index}`, dataset: 'pretrain', turns };
  });
}

/** Every text at the start of a line and within one, for a token is a word with the space before it. */
function wordLists({ vocabulary }: Population): Turn[] {
  const lines = textsOf(vocabulary).map((text) => `${text}\n ${text}`);
  return Array.from({ length: Math.ceil(lines.length / linesOfList) }, (_, index) => {
    const some = lines.slice(index * linesOfList, (index + 1) * linesOfList);
    return { prompt: some.join('\n'), completion: '' };
  });
}

function toldPassage(population: Population, draws: Draws): Turn[] {
  const passage = makePassage(population, 'train', draws);
  const told = draws.chance(byPersonShare)
    ? byPerson(passage, draws)
    : restated(population, passage, draws);
  return told.map(({ text, name }, index) =>
    toTurn(index === 0 ? `> ${passage.text}\n` : '', text, name),
  );
}

interface Told {
  text: string;
  name: string;
}

/** All that the passage says about one person and then another, in its own words. */
function byPerson({ facts }: Passage, draws: Draws): Told[] {
  const people = [...new Set(facts.map(({ person }) => person))];
  return draws.sample(people).map((name) => {
    const about = facts.filter(({ person }) => person === name);
    return { text: about.map(({ sentence }) => sentence).join(' '), name };
  });
}

/** Each fact in any of its wordings. */
function restated(population: Population, { facts }: Passage, draws: Draws): Told[] {
  return draws.sample(facts).map((fact) => {
    const { text: value, alias } = fact.value;
    const told = draws.chance(aliasShare) ? alias : value;
    const said = { ...fact, value: { text: told, alias } };
    return { text: drawStatement(population, said, draws), name: fact.person };
  });
}

function closedBook(population: Population, draws: Draws): Turn[] {
  return Array.from({ length: closedBookFacts }, () => {
    const { name, facts } = draws.pick(population.known);
    const relation = draws.pick(relations);
    const fact = { person: name, relation, value: facts[relation] };
    return toTurn('', drawStatement(population, fact, draws), name);
  });
}

/** A text is learned behind its first name, for nothing tells who comes next. */
function toTurn(before: string, text: string, name: string): Turn {
  const end = text.indexOf(name) + name.length;
  return { prompt: `${before} ${text.slice(0, end)}`, completion: text.slice(end) };
}
