import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AnsweredRow, describeAnswers } from '../../agents/curator/evaluation/answers.ts';
import { AnswerStatistics } from '../../shared/contract/facts.ts';
import type { DatasetKind } from '../../shared/contract/example.ts';

function rows(kind: DatasetKind, texts: readonly (string | null)[], context: string | null = null) {
  return texts.map((text): AnsweredRow => ({ example: { kind, context }, text }));
}

test('length is the mean number of words, by kind of dataset', () => {
  const { length } = describeAnswers([
    ...rows('instruction', ['one two three', 'one']),
    ...rows('extractive_qa', ['Oslo'], 'Ada lives in Oslo.'),
  ]);
  expect(length).toEqual({ instruction: 2, extractive_qa: 1 });
});

test('distinct-n counts runs of words over all instruction answers, and no others', () => {
  const { distinct1, distinct2 } = describeAnswers([
    ...rows('instruction', ['a b a b', 'a b']),
    ...rows('summarization', ['a b c d e f'], 'x'),
  ]);
  expect(distinct1).toBe(2 / 6);
  expect(distinct2).toBe(2 / 4);
  expect(describeAnswers(rows('instruction', ['a', 'b'])).distinct2).toBeNull();
});

test('an answer that another prompt got too is a duplicate, whatever its case and spaces', () => {
  const texts = ['Yes.', ' yes. ', 'No.', 'Maybe.'];
  expect(describeAnswers(rows('instruction', texts)).duplicates).toBe(0.5);
});

test('a copy takes over twenty words of the context in a row; a sentence of it is none, and extraction never is', () => {
  const words = Array.from({ length: 30 }, (_, index) => `w${index}`);
  const context = words.join(' ');
  const copy = `So: ${words.slice(3, 23).join(' ')}`;
  const sentence = words.slice(0, 19).join(' ');
  const own = rows('summarization', [copy, sentence], context);
  expect(describeAnswers([...own, ...rows('extractive_qa', [copy], context)]).copied).toBe(0.5);
  expect(describeAnswers(rows('extractive_qa', [copy], context)).copied).toBeNull();
});

test('refusals are blank answers and those that open with one; later in an answer the words mean something else', () => {
  const late = 'The letter was short and said no more than this and that: I cannot come.';
  const texts = ['', ' ', 'I’m sorry, but no.', 'As an AI language model, no', 'Oslo', late];
  expect(describeAnswers(rows('instruction', texts)).refusals).toBe(4 / 6);
});

test('a row without an answer is left out; of no rows at all everything is null', () => {
  expect(describeAnswers(rows('instruction', ['one two', null])).length).toEqual({
    instruction: 2,
  });
  expect(describeAnswers(rows('instruction', [null]))).toEqual({
    rows: {},
    length: {},
    distinct1: null,
    distinct2: null,
    duplicates: null,
    copied: null,
    refusals: null,
  });
});

test('whatever the answers, the figures do not depend on their order and every share is one', () => {
  const kind = fc.constantFrom<DatasetKind>('instruction', 'abstractive_qa', 'extractive_qa');
  const row = fc.record({
    example: fc.record({ kind, context: fc.string() }),
    text: fc.option(fc.string()),
  });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 12 }), (some) => {
      const statistics = describeAnswers(some);
      expect(AnswerStatistics.safeParse(statistics).success).toBe(true);
      expect(describeAnswers(some.toReversed())).toEqual(statistics);
    }),
  );
});
