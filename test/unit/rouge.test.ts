import { expect, test } from 'vitest';
import { rouge } from '../../shared/scoring/rouge.ts';

test('words, pairs and subsequences are counted as often as both texts have them', () => {
  const scores = rouge(['the cat sat on the mat'], false)('The cat, the cat on a mat!');
  expect(scores.rouge1).toEqual([5 / 7, 5 / 6, (2 * (5 / 7) * (5 / 6)) / (5 / 7 + 5 / 6)]);
  expect(scores.rouge2).toEqual([1 / 6, 1 / 5, (2 * (1 / 6) * (1 / 5)) / (1 / 6 + 1 / 5)]);
  expect(scores.rougeL.slice(0, 2)).toEqual([4 / 7, 4 / 6]);
});

test('the summary level joins the subsequences of all lines', () => {
  const { rougeL, rougeLsum } = rouge(['one two three\nfour five'], false)('four five\none three');
  expect(rougeL.slice(0, 2)).toEqual([2 / 4, 2 / 5]);
  expect(rougeLsum.slice(0, 2)).toEqual([4 / 4, 4 / 5]);
});

test('the stemmer makes forms of a word equal, but leaves short words alone', () => {
  expect(rouge(['running dogs'], false)('runs dog').rouge1[2]).toBe(0);
  expect(rouge(['running dogs'], true)('runs dog').rouge1[2]).toBe(1);
  expect(rouge(['its'], true)('it').rouge1[2]).toBe(0);
});

test('nothing in common is 0, also for an answer or a reference without words', () => {
  for (const [reference, answer] of [
    ['red', 'blue'],
    ['red', ''],
    ['', 'red'],
    ['…', '!'],
  ] as const)
    expect(rouge([reference], false)(answer).rougeLsum).toEqual([0, 0, 0]);
  expect(() => rouge([], false)).toThrow(RangeError);
});

test('each variant takes its own best reference', () => {
  const { rouge1, rouge2 } = rouge(['b a c', 'a b'], false)('a b c');
  expect(rouge1[2]).toBe(1);
  expect(rouge2.slice(0, 2)).toEqual([1 / 2, 1]);
});
