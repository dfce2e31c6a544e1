import { drawsFor, placeOf } from './random.ts';
import type { Relation } from './words.ts';
import {
  fillerEvents,
  fillerSubjects,
  firstNames,
  lastNames,
  relations,
  relationWords,
} from './words.ts';

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
  people: HeldOut<string>;
  values: Readonly<Record<Relation, HeldOut<Value>>>;
  filler: HeldOut<string>;
  celebrities: HeldOut<Celebrity>;
}

/** Share of name pairs, value pairs and filler sentences that no training, dev or seen test row holds. */
const heldOutShare = 0.15;
/** Closed-book people; the second number never occurs in a passage that is trained on. */
const seenCelebrities = 32;
const unseenCelebrities = 16;

/** Everybody and everything in the world of `seed`. */
export function createPopulation(seed: number): Population {
  const people = holdOut(seed, pairs(firstNames, lastNames, ' '), (name) => name);
  const values = Object.fromEntries(
    relations.map((relation) => [
      relation,
      holdOut(seed, valuesOf(relation), (value) => value.text),
    ]),
  ) as Record<Relation, HeldOut<Value>>;
  const draws = drawsFor(seed, 'celebrities');
  const makeCelebrity = (name: string): Celebrity => ({
    name,
    facts: Object.fromEntries(
      relations.map((relation) => [relation, draws.pick(values[relation].seen)]),
    ) as Record<Relation, Value>,
  });
  return {
    seed,
    people,
    values,
    filler: holdOut(seed, pairs(fillerSubjects, fillerEvents, ' '), (filler) => filler),
    celebrities: {
      seen: draws.sample(people.seen, seenCelebrities).map(makeCelebrity),
      unseen: draws.sample(people.unseen, unseenCelebrities).map(makeCelebrity),
    },
  };
}

function valuesOf(relation: Relation): Value[] {
  const { first, second } = relationWords[relation];
  return first.flatMap((one) =>
    Object.entries(second).map(([two, alias]) => ({
      text: `${one} ${two}`,
      alias: `${one} ${alias}`,
    })),
  );
}

function pairs(first: readonly string[], second: readonly string[], between: string): string[] {
  return first.flatMap((one) => second.map((two) => `${one}${between}${two}`));
}

function holdOut<T>(seed: number, items: readonly T[], keyOf: (item: T) => string): HeldOut<T> {
  const isUnseen = (item: T): boolean => placeOf(seed, `held-out/${keyOf(item)}`) < heldOutShare;
  return { seen: items.filter((item) => !isUnseen(item)), unseen: items.filter(isUnseen) };
}
