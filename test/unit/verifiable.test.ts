import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Constraint } from '../../shared/contract/constraint.ts';
import { verify } from '../../shared/scoring/verifiable.ts';

const value = (answer: string, ...constraints: Constraint[]) => verify(answer, constraints).value;

test('the value is the share of constraints passed, and each is named', () => {
  const verified = verify('RED and blue', [
    { type: 'word_count', min: 2, max: 3 },
    { type: 'case', value: 'upper' },
    { type: 'count', word: 'red', times: 1 },
    { type: 'required', words: ['blue', 'green'] },
    { type: 'forbidden', words: ['yellow'] },
  ]);
  expect(verified).toEqual({
    value: 0.6,
    passed: ['word_count 2..3', 'count "red" 1', 'forbidden "yellow"'],
    failed: ['case upper', 'required "blue", "green"'],
  });
});

test('a blank answer fulfils nothing, not even a ban', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^\s*$/), (blank) => {
      expect(value(blank, { type: 'forbidden', words: ['x'] })).toBe(0);
      expect(value(blank, { type: 'word_count', max: 9 })).toBe(0);
      expect(value(blank, { type: 'case', value: 'lower' })).toBe(0);
    }),
  );
});

test('bounds of a word count are inclusive and either may be missing', () => {
  expect(value('one two', { type: 'word_count', min: 2 })).toBe(1);
  expect(value('one two', { type: 'word_count', max: 2 })).toBe(1);
  expect(value('one two', { type: 'word_count', min: 3 })).toBe(0);
});

test.each([
  ['lower', 'all small 1 é', 'one Big'],
  ['upper', 'ALL BIG 1 É', 'ONE small'],
  ['title', 'Every Word "Is" 2 Élan', 'Every word'],
  ['title', 'Dr. Smith-jones', 'NASA'],
] as const)('case %s holds for %j and not for %j', (name, good, bad) => {
  expect(value(good, { type: 'case', value: name })).toBe(1);
  expect(value(bad, { type: 'case', value: name })).toBe(0);
});

test('scripts without case have every case', () => {
  for (const name of ['lower', 'upper', 'title'] as const)
    for (const answer of ['北京 是 首都', 'กรุงเทพ', 'مدينة كبيرة'])
      expect(value(answer, { type: 'case', value: name }), answer).toBe(1);
});

test.each([
  ['cat', 'Cat, CAT and cat-like', 3],
  ['cat', 'concatenate cats cat1', 0],
  ['new york', 'New\n York, New  York', 2],
  ['aa aa', 'aa aa aa', 1],
  ['北京', '我爱北京。北京很大', 2],
  ['ไทย', 'ภาษาไทย', 1],
  ['كلمة', 'كلمة وكلمة', 1],
  ['café', 'cafe\u0301 CAFÉ', 2],
  ['cafe', 'cafe\u0301', 0],
  ['👍', 'yes👍👍', 2],
  ['\ud83d', '👍', 0],
] as const)('%j occurs in %j %i times', (word, answer, times) => {
  expect(value(answer, { type: 'count', word, times })).toBe(1);
  expect(value(answer, { type: 'count', word, min: times + 1 })).toBe(0);
});

test('a word between others is found in any text, and no text makes the search fail', () => {
  const unit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
  fc.assert(
    fc.property(fc.string({ unit }), fc.string({ unit }), (before, after) => {
      const answer = `${before} needle ${after}`;
      expect(value(answer, { type: 'required', words: ['NEEDLE'] })).toBe(1);
    }),
  );
});

test.each([
  ['json', '{"a": [1]}', 'Here: {"a": 1}'],
  ['json', ' [] \n', '42'],
  ['list', '- one\n\n- two', '- one\nand two'],
  ['list', '1. one\n2) two', 'one'],
  ['one_line', 'one line\n', 'two\nlines'],
  ['one_line', 'x', 'x\u2028y'],
] as const)('format %s holds for %j and not for %j', (name, good, bad) => {
  expect(value(good, { type: 'format', value: name })).toBe(1);
  expect(value(bad, { type: 'format', value: name })).toBe(0);
});

test('a row without constraints cannot be verified', () => {
  expect(() => verify('x', [])).toThrow(RangeError);
});

test.each([
  { type: 'word_count' },
  { type: 'word_count', min: 3, max: 2 },
  { type: 'word_count', min: 1.5 },
  { type: 'count', word: 'x', times: 1, max: 2 },
  { type: 'count', word: 'x' },
  { type: 'count', word: ' ', times: 1 },
  { type: 'required', words: [] },
  { type: 'case', value: 'lower', words: ['x'] },
  { type: 'length', max: 3 },
])('the constraint %j is refused', (constraint) => {
  expect(Constraint.safeParse(constraint).success).toBe(false);
});
