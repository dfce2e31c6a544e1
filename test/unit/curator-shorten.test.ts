import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cutEnd, shorten } from '../../agents/curator/truncation/shorten.ts';

/** Words and signs, as a word-level tokenizer has them. */
function countWords(text: string): number {
  return text.match(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu)?.length ?? 0;
}

/** Of a prompt with these passages: five tokens more. */
function countPrompt(passages: readonly string[]): number {
  return 5 + countWords(passages.join('\n'));
}

const word = fc.string({
  minLength: 1,
  maxLength: 12,
  unit: fc.constantFrom('a', 'b', 'ß', 'ж', '水', '😀', 'e\u0301'),
});
const passage = fc
  .array(fc.tuple(word, fc.constantFrom(' ', ' ', ' ', '. ', ', ', '\t')), {
    minLength: 1,
    maxLength: 60,
  })
  .map((parts) => parts.flat().join('').trim());
const passages = fc.array(passage, { minLength: 1, maxLength: 8 });

test('passages that fit stay as they are', () => {
  const whole = ['one two', 'three'];
  expect(shorten(whole, countPrompt, 8)?.passages).toBe(whole);
});

test('what is kept never has more tokens than allowed, and of each passage there is a beginning', () => {
  fc.assert(
    fc.property(passages, fc.integer({ min: 1, max: 200 }), (whole, most) => {
      const kept = shorten(whole, countPrompt, most);
      if (kept === undefined) {
        // Not even a sign of each has room.
        expect(countPrompt(whole.map((text) => cutEnd(text, 1)))).toBeGreaterThan(most);
        return;
      }
      const { passages: begun, tokens } = kept;
      expect(countPrompt(begun)).toBe(tokens);
      expect(tokens).toBeLessThanOrEqual(most);
      expect(begun).toHaveLength(whole.length);
      for (const [i, text] of begun.entries()) {
        expect(text).not.toBe('');
        expect(whole[i]?.startsWith(text)).toBe(true);
      }
    }),
  );
});

test('shortening what was shortened changes nothing', () => {
  fc.assert(
    fc.property(passages, fc.integer({ min: 20, max: 200 }), (whole, most) => {
      const kept = shorten(whole, countPrompt, most);
      if (kept !== undefined) expect(shorten(kept.passages, countPrompt, most)).toEqual(kept);
    }),
  );
});

test('passages lose their ends evenly: a short one stays whole, and the long ones keep as much as each other', () => {
  const words = (count: number): string => Array.from({ length: count }, () => 'word').join(' ');
  const kept = shorten([words(1000), words(30), words(400), words(700)], countPrompt, 635);
  const counts = kept?.passages.map(countWords) ?? [];
  expect(counts[1]).toBe(30);
  expect(new Set([counts[0], counts[2], counts[3]]).size).toBe(1);
  expect(kept?.tokens).toBeGreaterThan(0.98 * 635);
});

test('few counts are needed, for each takes its time', () => {
  const lengths = [4000, 20, 900, 1500, 7];
  const words = (count: number): string => 'word and other words '.repeat(count);
  let counts = 0;
  const count = (begun: readonly string[]): number => {
    counts += 1;
    return countPrompt(begun);
  };
  expect(shorten(lengths.map(words), count, 3000)?.tokens).toBeGreaterThan(0.98 * 3000);
  expect(counts).toBeLessThan(7);
});

test('of several hundred lines each keeps a word where there is room for no more', () => {
  const lines = Array.from({ length: 300 }, (_, i) => `line ${i} of a long table`);
  const kept = shorten(lines, countPrompt, 400);
  expect(kept?.tokens).toBeLessThanOrEqual(400);
  expect(kept?.passages.every((line) => line.startsWith('l'))).toBe(true);
  expect(shorten(lines, countPrompt, 100)).toBeUndefined();
});

describe('an end is cut', () => {
  test('behind a sentence where one ends near, else behind a word', () => {
    expect(cutEnd('It is 3.5 miles. Then more words.', 18)).toBe('It is 3.5 miles.');
    expect(cutEnd('It is 3.5 miles. Then more words.', 24)).toBe('It is 3.5 miles. Then');
    expect(cutEnd('One. Two words and many others follow', 30)).toBe(
      'One. Two words and many others',
    );
    expect(cutEnd('She said "no." Then she left again.', 15)).toBe('She said "no."');
  });

  test('behind a sign where there are no spaces, and never within one', () => {
    expect(cutEnd('奥斯陆是挪威的首都。它有七十万居民。', 11)).toBe('奥斯陆是挪威的首都。');
    expect(cutEnd('奥斯陆是挪威的首都', 5)).toBe('奥斯陆是挪');
    expect(cutEnd('ab😀😀', 3)).toBe('ab');
    expect(cutEnd('e\u0301e\u0301e\u0301', 3)).toBe('e\u0301');
    expect(cutEnd('😀😀', 1)).toBe('😀');
  });
});
