import { otherVocabulary } from './pseudo.ts';
import { drawsFor, placeOf } from './random.ts';
import type { Relation, RelationWords, Vocabulary } from './vocabulary.ts';
import { fill, relations } from './vocabulary.ts';
import { english } from './words.ts';

/** A two-word value and what an annotator may write for it; the alias shares the first word. */
export interface Value {
  text: string;
  alias: string;
}

/** A seen part for training, dev and test, and an unseen part that only unseen test sets draw from. */
export interface HeldOut<T> {
  seen: readonly T[];
  unseen: readonly T[];
}

/** A person with facts outside of any passage; passages always contradict them. */
export interface Celebrity {
  name: string;
  facts: Readonly<Record<Relation, Value>>;
}

export interface Population {
  seed: number;
  vocabulary: Vocabulary;
  people: HeldOut<string>;
  values: Readonly<Record<Relation, HeldOut<Value>>>;
  filler: HeldOut<string>;
  celebrities: HeldOut<Celebrity>;
  /** The celebrities of both parts. */
  known: readonly Celebrity[];
}

/** Share of name pairs, value pairs and filler sentences that no training, dev or seen test row holds. */
const heldOutShare = 0.15;
/** Closed-book people; the second number never occurs in a passage that is trained on. */
const seenCelebrities = 32;
const unseenCelebrities = 16;

/** Everybody and everything in the world of `seed`. Vocabulary 0 is the English-like one; any other seed makes words and sentences of its own. */
export function createPopulation(seed: number, vocabularySeed: number): Population {
  const vocabulary = vocabularySeed === 0 ? english : otherVocabulary(vocabularySeed);
  const { firstNames, lastNames, fillerSubjects, fillerEvents } = vocabulary;
  const people = holdOut(seed, pairs(firstNames, lastNames, '{one} {two}'), (name) => name);
  const values = byRelation((relation) =>
    holdOut(seed, valuesOf(vocabulary.relations[relation]), (value) => value.text),
  );
  const draws = drawsFor(seed, 'celebrities');
  const makeCelebrity = (name: string): Celebrity => ({
    name,
    facts: byRelation((relation) => draws.pick(values[relation].seen)),
  });
  const seen = draws.sample(people.seen, seenCelebrities).map(makeCelebrity);
  const unseen = draws.sample(people.unseen, unseenCelebrities).map(makeCelebrity);
  return {
    seed,
    vocabulary,
    people,
    values,
    filler: holdOut(seed, pairs(fillerSubjects, fillerEvents, '{one} {two}.'), (filler) => filler),
    celebrities: { seen, unseen },
    known: [...seen, ...unseen],
  };
}

function byRelation<T>(make: (relation: Relation) => T): Record<Relation, T> {
  return Object.fromEntries(relations.map((relation) => [relation, make(relation)])) as Record<
    Relation,
    T
  >;
}

function valuesOf({ first, second }: RelationWords): Value[] {
  return first.flatMap((one) =>
    Object.entries(second).map(([two, alias]) => ({
      text: `${one} ${two}`,
      alias: `${one} ${alias}`,
    })),
  );
}

function pairs(first: readonly string[], second: readonly string[], template: string): string[] {
  return first.flatMap((one) => second.map((two) => fill(template, { one, two })));
}

function holdOut<T>(seed: number, items: readonly T[], keyOf: (item: T) => string): HeldOut<T> {
  const isUnseen = (item: T): boolean => placeOf(seed, `held-out/${keyOf(item)}`) < heldOutShare;
  return { seen: items.filter((item) => !isUnseen(item)), unseen: items.filter(isUnseen) };
}
