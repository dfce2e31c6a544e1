/**
 * Constraints that a program can check on an answer; the rows of an instruction dataset carry a list of them.
 *
 * C1. A blank answer (no character besides white space) fulfils no constraint, so saying nothing earns nothing.
 * C2. Words are compared without regard to case (NFC, lower case, any white space equals one space).
 * C3. A word occurs where the characters beside it do not continue it: `cat` occurs in "cat-like" but not in "concatenate".
 *     Beside scripts that are written without spaces (Han, kana, Thai, Lao, Khmer, Myanmar) any place is an edge of a word.
 */
import { z } from 'zod';
import { closedObject } from './problems.ts';

const Word = z.string().refine((word) => word.trim() !== '', 'a word must not be blank');
const Words = z.array(Word).min(1, 'name at least one word');
const Count = z.int().nonnegative();

/** The answer has at least `min` and at most `max` words, counted between runs of white space. */
const WordCount = closedObject({
  type: z.literal('word_count'),
  min: Count.optional(),
  max: Count.optional(),
}).refine(isBounded, 'needs `min`, `max` or both, with `min` not above `max`');

/**
 * `lower`: no upper- or title-case letter. `upper`: no lower- or title-case letter. `title`: in each word the first letter is
 * not lower case and those after it are. Letters of scripts without case always fit.
 */
const Case = closedObject({
  type: z.literal('case'),
  value: z.enum(['lower', 'upper', 'title']),
});

/** `word` occurs exactly `times` times, or at least `min` and at most `max` times; occurrences do not overlap. */
const Occurrences = closedObject({
  type: z.literal('count'),
  word: Word,
  times: Count.optional(),
  min: Count.optional(),
  max: Count.optional(),
}).refine(
  (it) => (it.times === undefined ? isBounded(it) : it.min === undefined && it.max === undefined),
  'needs either `times`, or `min`, `max` or both with `min` not above `max`',
);

/** Every one of `words` occurs. */
const Required = closedObject({ type: z.literal('required'), words: Words });

/** None of `words` occurs. */
const Forbidden = closedObject({ type: z.literal('forbidden'), words: Words });

/**
 * `json`: the whole answer is one JSON object or array. `list`: every line that is not blank starts with a mark (`-`, `*`, `•`,
 * `1.` or `1)`) and a space, and has text after it. `one_line`: no line break but at the very end.
 */
const Format = closedObject({
  type: z.literal('format'),
  value: z.enum(['json', 'list', 'one_line']),
});

export const Constraint = z.discriminatedUnion('type', [
  WordCount,
  Case,
  Occurrences,
  Required,
  Forbidden,
  Format,
]);
export type Constraint = z.infer<typeof Constraint>;

function isBounded({ min, max }: { min?: number | undefined; max?: number | undefined }): boolean {
  if (min === undefined && max === undefined) return false;
  return (min ?? 0) <= (max ?? Infinity);
}
