import type { Constraint } from '../contract/constraint.ts';
import { splitWords } from './normalise.ts';

export interface Verified {
  /** Share of the constraints that the answer fulfils, in [0, 1]. */
  readonly value: number;
  /** The constraints in words, such as `word_count 2..5`, in the order of the row. */
  readonly passed: string[];
  readonly failed: string[];
}

/** Checks an answer against the constraints of its row, at least one; `shared/contract/constraint.ts` says what each means. */
export function verify(answer: string, constraints: readonly Constraint[]): Verified {
  if (constraints.length === 0) throw new RangeError('there is no constraint to verify');
  const passed: string[] = [];
  const failed: string[] = [];
  const blank = answer.trim() === '';
  for (const constraint of constraints)
    (!blank && fulfils(answer, constraint) ? passed : failed).push(describe(constraint));
  return { value: passed.length / constraints.length, passed, failed };
}

function fulfils(answer: string, constraint: Constraint): boolean {
  switch (constraint.type) {
    case 'word_count':
      return isWithin(splitWords(answer).length, constraint);
    case 'case':
      return hasCase(answer, constraint.value);
    case 'count': {
      const found = countOccurrences(answer, constraint.word);
      const { times } = constraint;
      return times === undefined ? isWithin(found, constraint) : found === times;
    }
    case 'required':
      return constraint.words.every((word) => countOccurrences(answer, word) > 0);
    case 'forbidden':
      return constraint.words.every((word) => countOccurrences(answer, word) === 0);
    case 'format':
      return hasFormat(answer, constraint.value);
  }
}

interface Bounds {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

function isWithin(count: number, { min = 0, max = Infinity }: Bounds): boolean {
  return count >= min && count <= max;
}

const upper = /[\p{Lu}\p{Lt}]/u;
const lower = /[\p{Ll}\p{Lt}]/u;
const titleWord = /^\P{L}*(?:[\p{Lu}\p{Lt}\p{Lo}\p{Lm}][^\p{Lu}\p{Lt}]*)?$/u;

function hasCase(answer: string, value: 'lower' | 'upper' | 'title'): boolean {
  switch (value) {
    case 'lower':
      return !upper.test(answer);
    case 'upper':
      return !lower.test(answer);
    case 'title':
      return splitWords(answer).every((word) => titleWord.test(word));
  }
}

const wordCharacter = /[\p{L}\p{M}\p{N}]/u;
const unspaced =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;
const mark = /\p{M}/u;

/** How often `word` occurs in `answer` by C2 and C3 of the contract, without overlaps. */
function countOccurrences(answer: string, word: string): number {
  const text = Array.from(comparable(answer));
  const wanted = Array.from(comparable(word));
  let count = 0;
  for (let at = 0; at + wanted.length <= text.length; at += 1) {
    const end = at + wanted.length;
    if (!wanted.every((character, index) => text[at + index] === character)) continue;
    if (continues(text[at - 1], text[at]) || continues(text[end - 1], text[end])) continue;
    count += 1;
    at = end - 1;
  }
  return count;
}

/** Whether two neighbouring characters belong to one word. */
function continues(left: string | undefined, right: string | undefined): boolean {
  if (left === undefined || right === undefined) return false;
  if (!wordCharacter.test(left) || !wordCharacter.test(right)) return false;
  return mark.test(right) || !(unspaced.test(left) || unspaced.test(right));
}

function comparable(text: string): string {
  return splitWords(text.normalize('NFC').toLowerCase()).join(' ');
}

const lineBreak = /\r\n|[\n\v\f\r\x85\u2028\u2029]/u;
const listItem = /^\s*(?:[-*•]|\d+[.)])\s+\S/u;

function hasFormat(answer: string, value: 'json' | 'list' | 'one_line'): boolean {
  switch (value) {
    case 'json':
      return isJson(answer);
    case 'list':
      return answer
        .split(lineBreak)
        .filter((line) => line.trim() !== '')
        .every((line) => listItem.test(line));
    case 'one_line':
      return !lineBreak.test(answer.trimEnd());
  }
}

function isJson(answer: string): boolean {
  try {
    const value: unknown = JSON.parse(answer);
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}

function describe(constraint: Constraint): string {
  switch (constraint.type) {
    case 'word_count':
      return `word_count ${range(constraint)}`;
    case 'case':
    case 'format':
      return `${constraint.type} ${constraint.value}`;
    case 'count':
      return `count ${JSON.stringify(constraint.word)} ${constraint.times ?? range(constraint)}`;
    case 'required':
    case 'forbidden':
      return `${constraint.type} ${constraint.words.map((word) => JSON.stringify(word)).join(', ')}`;
  }
}

function range({ min, max }: Bounds): string {
  return `${min ?? 0}..${max ?? ''}`;
}
