import type { Population, Value } from './population.ts';
import type { Draws } from './random.ts';
import { placeOf } from './random.ts';
import type { Relation } from './vocabulary.ts';
import { fill, relations } from './vocabulary.ts';

/** `unseen` is a test part too, of the people and values that no other part holds. */
export type Split = 'train' | 'dev' | 'test' | 'unseen';

export interface Fact {
  person: string;
  relation: Relation;
  value: Value;
}

/** A fact as the passage words it. */
export interface StatedFact extends Fact {
  sentence: string;
}

export interface Passage {
  text: string;
  /** In the order of the text. */
  facts: readonly StatedFact[];
}

/** Share of passages in which everybody has one relation in common, so that it does not tell the value. */
const contrastShare = 0.7;
/** Share of the people of a passage who also have closed-book facts, which the passage contradicts. */
const celebrityShare = 0.2;

/**
 * The only split whose passages may state the fact. Every fact has one, so no two splits share a fact, whatever passages
 * are drawn from them.
 */
export function splitOfFact(
  seed: number,
  { person, relation, value }: Fact,
): Exclude<Split, 'unseen'> {
  const place = placeOf(seed, `fact/${person}/${relation}/${value.text}`);
  return place < 0.7 ? 'train' : place < 0.85 ? 'dev' : 'test';
}

/** A passage of two or three people with four or five facts (unseen: three people, five or six facts) and filler. */
export function makePassage(population: Population, split: Split, draws: Draws): Passage {
  const unseen = split === 'unseen';
  const people = drawPeople(population, unseen ? 3 : draws.integer(2, 3), unseen, draws);
  const count = unseen ? draws.integer(5, 6) : draws.integer(4, 5);
  const facts: StatedFact[] = [];
  for (const [person, relation] of drawSlots(people, count, draws)) {
    const fact = drawFact(population, split, person, relation, facts, draws);
    facts.push({ ...fact, sentence: drawStatement(population, fact, draws) });
  }
  const filler = population.filler[unseen ? 'unseen' : 'seen'];
  const fillers = Array.from({ length: draws.integer(0, 2) }, () => draws.pick(filler));
  const ordered = draws.sample<StatedFact | string>([...facts, ...fillers]);
  return {
    text: ordered.map((part) => (typeof part === 'string' ? part : part.sentence)).join(' '),
    facts: ordered.filter((part) => typeof part !== 'string'),
  };
}

/** The fact in one of the wordings of its relation. */
export function drawStatement(
  { vocabulary }: Population,
  { person, relation, value }: Fact,
  draws: Draws,
): string {
  const template = draws.pick(vocabulary.relations[relation].statements);
  return fill(template, { name: person, value: value.text });
}

function drawPeople(
  population: Population,
  count: number,
  unseen: boolean,
  draws: Draws,
): string[] {
  const side = unseen ? 'unseen' : 'seen';
  const people = new Set<string>();
  while (people.size < count)
    people.add(
      draws.chance(celebrityShare)
        ? draws.pick(population.celebrities[side]).name
        : draws.pick(population.people[side]),
    );
  return [...people];
}

/** Who is told what about: `count` different pairs in which everybody occurs. */
function drawSlots(people: readonly string[], count: number, draws: Draws): [string, Relation][] {
  const shared = draws.chance(contrastShare) ? draws.pick(relations) : undefined;
  const slots = people.map((person): [string, Relation] => [
    person,
    shared ?? draws.pick(relations),
  ]);
  const taken = new Set(slots.map((slot) => slot.join('/')));
  const rest = people
    .flatMap((person) => relations.map((relation): [string, Relation] => [person, relation]))
    .filter((slot) => !taken.has(slot.join('/')));
  return [...slots, ...draws.sample(rest, count - slots.length)];
}

/** A value that belongs to the split, that nobody else in the passage has, and that contradicts what is known of the person. */
function drawFact(
  population: Population,
  split: Split,
  person: string,
  relation: Relation,
  others: readonly Fact[],
  draws: Draws,
): Fact {
  const values = population.values[relation][split === 'unseen' ? 'unseen' : 'seen'];
  const known = population.known.find(({ name }) => name === person);
  const used = new Set(
    others.map(({ value }) => value.text).concat(known?.facts[relation].text ?? []),
  );
  for (;;) {
    const fact = { person, relation, value: draws.pick(values) };
    const isOfSplit = split === 'unseen' || splitOfFact(population.seed, fact) === split;
    if (isOfSplit && !used.has(fact.value.text)) return fact;
  }
}
