/** A run of words of a text, and another one of the same hash. */
interface Place {
  readonly id: string;
  /** Numbers of the text's words. */
  readonly words: readonly number[];
  readonly start: number;
  readonly next: Place | undefined;
}

/** Runs of `length` words of texts, without case and punctuation. */
export interface WordRuns {
  /** Enters all runs of a text. */
  add(id: string, text: string): void;
  /** Ids of the texts that have a run of this one, some of them more than once. */
  sharedWith(text: string): string[];
}

/** An odd multiplier of 32 bits, as hashes of this kind take (Karp and Rabin 1987). */
const BASE = 0x01000193;

/** Held as numbers: as texts, the runs of a hundred thousand rows take gigabytes. Equal hashes are compared word by word. */
export function createWordRuns(length: number): WordRuns {
  const numbers = new Map<string, number>();
  const places = new Map<number, Place>();
  let leaving = 1;
  for (let at = 1; at < length; at += 1) leaving = Math.imul(leaving, BASE);

  /** Calls `visit` with the hash and the first word of each run whose words all have a number. */
  function eachRun(
    words: readonly (number | undefined)[],
    visit: (hash: number, start: number) => void,
  ): void {
    let [hash, known] = [0, 0];
    for (const [at, word] of words.entries()) {
      if (word === undefined) {
        [hash, known] = [0, 0];
        continue;
      }
      if (known === length) hash -= Math.imul(words[at - length] ?? 0, leaving);
      else known += 1;
      hash = (Math.imul(hash, BASE) + word) | 0;
      if (known === length) visit(hash, at - length + 1);
    }
  }

  function numberOf(word: string): number {
    const known = numbers.get(word) ?? numbers.size + 1;
    numbers.set(word, known);
    return known;
  }

  return {
    add(id, text) {
      const words = wordsOf(text).map(numberOf);
      eachRun(words, (hash, start) => {
        const next = places.get(hash);
        // A text that says the same twice.
        if (next?.id !== id || !isRun(next, words, start))
          places.set(hash, { id, words, start, next });
      });
    },
    sharedWith(text) {
      const shared: string[] = [];
      const words = wordsOf(text).map((word) => numbers.get(word));
      eachRun(words, (hash, start) => {
        for (let place = places.get(hash); place !== undefined; place = place.next)
          if (isRun(place, words, start)) shared.push(place.id);
      });
      return shared;
    },
  };

  function isRun(place: Place, words: readonly (number | undefined)[], start: number): boolean {
    for (let at = 0; at < length; at += 1)
      if (place.words[place.start + at] !== words[start + at]) return false;
    return true;
  }
}

function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
}
