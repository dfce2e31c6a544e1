/**
 * Vocabularies without any word or sentence of the default one, so that whoever judges or trains cannot have been made for it.
 *
 * Words are syllables put together at random. Sentences follow patterns, in which `w` is a word of its own, `f` one of a few
 * words that many sentences share (as English has `the` and `of`), `n` and `m` are the relation's two nouns, and a capital
 * letter begins a sentence.
 */
import type { Draws } from './random.ts';
import { drawsFor } from './random.ts';
import type { Relation, RelationWords, Vocabulary } from './vocabulary.ts';

const consonants = 'b d f g k l m n p r s t v z'.split(' ');
const vowels = 'a e i o u'.split(' ');
const sharedWords = 5;

const statements = [
  '{name} w {value}.',
  'F {name} w {value}.',
  'N f {name} f {value}.',
  'F m {name} f {value}.',
];
const questions = ['W f n {name}?', 'W {name} f m?', 'F w n f {name}?', 'M f {name} w f?'];

/** The vocabulary of `seed`, which is not 0. */
export function otherVocabulary(seed: number): Vocabulary {
  const draws = drawsFor(seed, 'vocabulary');
  const word = wordsOf(draws);
  const list = (count: number): string[] => Array.from({ length: count }, word);
  const shared = list(sharedWords);
  const sentence = (pattern: string, nouns: readonly string[] = []): string =>
    fillPattern(pattern, { w: word, f: () => draws.pick(shared), n: nouns[0], m: nouns[1] });
  const relation = (): RelationWords => {
    const nouns = [word(), word()] as const;
    const drawn = (patterns: readonly string[]): [string, string, string] => {
      const [one = '', two = '', three = ''] = draws.sample(patterns, 3);
      return [sentence(one, nouns), sentence(two, nouns), sentence(three, nouns)];
    };
    const [one, two, newQuestion] = drawn(questions);
    return {
      first: list(9),
      second: Object.fromEntries(Array.from({ length: 9 }, () => [word(), word()])),
      statements: drawn(statements),
      questions: [one, two],
      newQuestion,
      nouns,
      remark: sentence('W w w w.'),
    };
  };
  const relationsOf: Record<Relation, RelationWords> = {
    city: relation(),
    job: relation(),
    food: relation(),
    pet: relation(),
  };
  return {
    firstNames: list(40).map(capitalised),
    lastNames: list(40).map(capitalised),
    relations: relationsOf,
    fillerSubjects: list(6).map(capitalised),
    fillerEvents: ['w f', 'w w', 'w f w', 'w w f', 'w f w f', 'w w'].map((pattern) =>
      sentence(pattern),
    ),
    times: [
      [word(), 2],
      [word(), 3],
    ],
    commands: {
      repeat: [sentence('W {times} {words}.'), sentence('W {words} f {times}.')],
      capitals: [sentence('W w {words}.'), sentence('W {words} f.')],
      list: [sentence('W {one} {two} {three}.'), sentence('W f {one} {two} f {three}.')],
      without: [sentence('W {words} w {left}.'), sentence('W {left} f {words}.')],
      otherName: [sentence('W f {value}.'), sentence('W {value} w.')],
      oneFact: [sentence('W {noun} f {name}.'), sentence('W {name} f {noun}.')],
      twoFacts: [sentence('W f {name}: {one} f {two}.'), sentence('W {name}: {one} f {two}.')],
    },
    inSentence: sentence('W f w.'),
    summary: [sentence('W f w {name}?'), sentence('W f {name} w.')],
  };
}

/** Makes a word that was not made before. */
function wordsOf(draws: Draws): () => string {
  const made = new Set<string>();
  return () => {
    for (;;) {
      const syllables = Array.from(
        { length: draws.integer(2, 3) },
        () => draws.pick(consonants) + draws.pick(vowels),
      );
      const word = syllables.join('');
      if (made.has(word)) continue;
      made.add(word);
      return word;
    }
  };
}

interface Slots {
  w: () => string;
  f: () => string;
  n: string | undefined;
  m: string | undefined;
}

function fillPattern(pattern: string, { w, f, n = '', m = '' }: Slots): string {
  const of: Readonly<Record<string, () => string>> = { w, f, n: () => n, m: () => m };
  return pattern.replace(/(?<!\{\w*)\b[wfnm]\b/gi, (slot) => {
    const text = of[slot.toLowerCase()]?.() ?? slot;
    return slot === slot.toLowerCase() ? text : capitalised(text);
  });
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
