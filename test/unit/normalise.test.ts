import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { normalisations, normaliseAnswer, splitWords } from '../../shared/scoring/normalise.ts';

/** Any UTF-16 at all, lone surrogates included, with a taste for what normalisation looks at. */
const anyText = fc.string({
  unit: fc.oneof(
    fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    fc.constantFrom('a', 'an', 'The', ' ', '-', '/', "'s", '.', '_', '\u0301', '\u001f', '\u0085'),
    fc.constantFrom('ال', 'ไทย', '北京', 'İ', 'ΟΔΟΣ', 'ß', '👍', '\ud83d'),
  ),
});

test('normalising a normalised text changes nothing', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const once = normalisations.spaced(text);
      expect(normalisations.spaced(once.join(' '))).toEqual(once);
    }),
  );
});

test('a normalised answer has single spaces, no ASCII punctuation and no article', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const words = splitWords(normaliseAnswer(text));
      expect(words.join(' ')).toBe(normaliseAnswer(text));
      for (const word of words) {
        expect(word).not.toMatch(/[!-/:-@[-`{-~]/);
        expect(['a', 'an', 'the']).not.toContain(word);
      }
    }),
  );
});

test.each([
  [
    'information separators and NEL end a word',
    'x\u001cy\u001dz\u001eu\u001fv\u0085w',
    'x y z u v w',
  ],
  ['ideographic and no-break spaces end a word', 'x\u3000y\u00a0z\u2028u', 'x y z u'],
  ['zero-width space and byte order mark do not', 'x\u200by\ufeffz', 'x\u200by\ufeffz'],
  ['an article before a combining mark is one, as for Python', 'a\u0301gua', '\u0301gua'],
  ['an article is part of a word beside letters of any script', 'Øthe a日 Ωa', 'øthe a日 ωa'],
  ['a capital sigma at the end of a word becomes a final one', 'ΟΔΟΣ', 'οδος'],
  ['a dotted capital I keeps its dot', 'İ', 'i\u0307'],
  ['typographic quotes and dashes are no ASCII punctuation', '“a–b…”', '“ –b…”'],
  ['a lone surrogate stays', '\ud800 the \udc00', '\ud800 \udc00'],
])('%s', (_, text, expected) => {
  expect(normaliseAnswer(text)).toBe(expected);
});

test('spaces around hyphens and slashes and before a genitive are closed first', () => {
  expect(normalisations.squad("well - known and / or John 's").join(' ')).toBe(
    'wellknown andor johns',
  );
  expect(normalisations.spaced("well - known and / or John 's").join(' ')).toBe(
    'well known and or john s',
  );
});

test('the order of articles and punctuation decides about articles inside compounds', () => {
  expect(normalisations.squad('the-end').join(' ')).toBe('theend');
  expect(normalisations.ordered('the-end').join(' ')).toBe('end');
});
