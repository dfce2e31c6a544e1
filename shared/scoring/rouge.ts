import type { RougeVariant } from '../contract/judge-options.ts';
import { porterStem } from './porter-stem.ts';

/** Precision, recall and F1, each in [0, 1]. */
export type RougeTriple = readonly [precision: number, recall: number, f: number];
export type RougeScores = Readonly<Record<RougeVariant, RougeTriple>>;

/**
 * Prepares references, at least one, and returns a function that scores answers against them as Google's rouge_score does,
 * bit for bit (Lin 2004; `rougeLsum` splits at line breaks only). Of several references each variant takes the first with
 * the largest F1, as its `score_multi`.
 */
export function rouge(
  references: readonly string[],
  stemmer: boolean,
): (answer: string) => RougeScores {
  if (references.length === 0) throw new RangeError('there is no reference to compare with');
  const targets = references.map((reference) => prepare(reference, stemmer));
  return (answer) => {
    const given = prepare(answer, stemmer);
    const best = (score: (target: Prepared) => RougeTriple): RougeTriple =>
      targets.map(score).reduce((top, next) => (next[2] > top[2] ? next : top));
    return {
      rouge1: best((target) => ofGrams(target.words, given.words)),
      rouge2: best((target) => ofGrams(pairs(target.words), pairs(given.words))),
      rougeL: best((target) => ofSequence(target.words, given.words)),
      rougeLsum: best((target) => ofLines(target.lines, given.lines)),
    };
  };
}

interface Prepared {
  readonly words: readonly string[];
  readonly lines: readonly (readonly string[])[];
}

function prepare(text: string, stemmer: boolean): Prepared {
  const lines = text
    .split('\n')
    .map((line) => tokenise(line, stemmer))
    .filter((words) => words.length > 0);
  return { words: lines.flat(), lines };
}

/** Runs of a-z and 0-9 in the lower-case text: a letter of any other script ends a word. */
function tokenise(text: string, stemmer: boolean): string[] {
  const words: string[] = text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return stemmer ? words.map((word) => (word.length > 3 ? porterStem(word) : word)) : words;
}

function pairs(words: readonly string[]): string[] {
  return words.slice(1).map((word, at) => `${words[at] ?? ''} ${word}`);
}

function ofGrams(target: readonly string[], given: readonly string[]): RougeTriple {
  const left = countsOf(target);
  return triple(given.filter((gram) => take(left, gram)).length, given.length, target.length);
}

function ofSequence(target: readonly string[], given: readonly string[]): RougeTriple {
  const table = commonLengths(target, given);
  return triple(table.at(-1)?.at(-1) ?? 0, given.length, target.length);
}

/**
 * Summary-level ROUGE-L: for each line of the target, the words of its longest common subsequences with any line of the
 * answer; a word counts as often as both texts have it.
 */
function ofLines(
  target: readonly (readonly string[])[],
  given: readonly (readonly string[])[],
): RougeTriple {
  if (target.length === 1 && given.length === 1) return ofSequence(target.flat(), given.flat());
  const targetLeft = countsOf(target.flat());
  const givenLeft = countsOf(given.flat());
  let hits = 0;
  for (const line of target) {
    const matched = new Set(given.flatMap((other) => commonPlaces(line, other)));
    for (const [place, word] of line.entries())
      if (matched.has(place) && givenLeft.get(word) !== 0 && take(targetLeft, word)) {
        take(givenLeft, word);
        hits += 1;
      }
  }
  return triple(hits, given.flat().length, target.flat().length);
}

/** The order of operations of the reference: another one differs in the last bit. */
function triple(hits: number, given: number, target: number): RougeTriple {
  const precision = hits / Math.max(given, 1);
  const recall = hits / Math.max(target, 1);
  const sum = precision + recall;
  return [precision, recall, sum > 0 ? (2 * precision * recall) / sum : 0];
}

function countsOf(grams: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const gram of grams) counts.set(gram, (counts.get(gram) ?? 0) + 1);
  return counts;
}

/** Takes one of `gram` away; false if there was none. */
function take(counts: Map<string, number>, gram: string): boolean {
  const count = counts.get(gram) ?? 0;
  if (count > 0) counts.set(gram, count - 1);
  return count > 0;
}

/** The lengths of the longest common subsequences of all pairs of beginnings. */
function commonLengths(left: readonly string[], right: readonly string[]): readonly Uint32Array[] {
  const table = [new Uint32Array(right.length + 1)];
  for (const [row, word] of left.entries()) {
    const above = table[row] ?? new Uint32Array();
    const lengths = new Uint32Array(right.length + 1);
    for (let column = 1; column <= right.length; column += 1)
      lengths[column] =
        word === right[column - 1]
          ? (above[column - 1] ?? 0) + 1
          : Math.max(above[column] ?? 0, lengths[column - 1] ?? 0);
    table.push(lengths);
  }
  return table;
}

/** The places in `left` of one longest common subsequence: of several, the one that the reference's walk finds. */
function commonPlaces(left: readonly string[], right: readonly string[]): number[] {
  const table = commonLengths(left, right);
  const places: number[] = [];
  let row = left.length;
  let column = right.length;
  while (row > 0 && column > 0) {
    if (left[row - 1] === right[column - 1]) {
      places.push(row - 1);
      row -= 1;
      column -= 1;
    } else if ((table[row]?.[column - 1] ?? 0) > (table[row - 1]?.[column] ?? 0)) column -= 1;
    else row -= 1;
  }
  return places;
}
