import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoff, LONGEST_WAIT_MS, wishOf } from '../../agents/judges/providers/retry-after.ts';

const NOW = Date.parse('2026-01-31T12:00:00Z');
const wish = (headers: Record<string, string>, message = '') =>
  wishOf(new Headers(headers), message, NOW);

test.each([
  ['milliseconds', { 'retry-after-ms': '250' }, 250],
  ['milliseconds before seconds', { 'retry-after-ms': '250', 'retry-after': '9' }, 250],
  ['seconds', { 'retry-after': '7' }, 7000],
  ['parts of a second', { 'retry-after': '0.5' }, 500],
  ['an HTTP date', { 'retry-after': 'Sat, 31 Jan 2026 12:00:03 GMT' }, 3000],
  ['the old form of a date', { 'retry-after': 'Saturday, 31-Jan-26 12:00:03 GMT' }, 3000],
  ['the oldest form, which names no zone', { 'retry-after': 'Sat Jan 31 12:00:03 2026' }, 3000],
  ['a short duration until the reset', { 'x-ratelimit-reset-requests': '12ms' }, 12],
  ['a long one', { 'x-ratelimit-reset-tokens': '1m12s' }, LONGEST_WAIT_MS],
  ['parts of a second in one', { 'x-ratelimit-reset-tokens': '7.66s' }, 7660],
  [
    'the longer of two resets',
    { 'x-ratelimit-reset-requests': '12ms', 'x-ratelimit-reset-tokens': '2s' },
    2000,
  ],
  [
    'the reset of the limit that is used up',
    {
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '12ms',
      'x-ratelimit-remaining-tokens': '10',
      'x-ratelimit-reset-tokens': '2s',
    },
    12,
  ],
  ['a day, of which a minute is waited', { 'retry-after': '86400' }, LONGEST_WAIT_MS],
])('waits for what a header says in the form of %s', (_, headers, expected) => {
  expect(wish(headers)).toBeCloseTo(expected, 6);
});

test.each([
  ['Rate limit reached for gpt-4. Please try again in 20s. Visit the site.', 20_000],
  ['Please try again in 1m2.5s.', LONGEST_WAIT_MS],
  ['Please try again in 6ms.', 6],
  ['Please retry in 20.25s', 20_250],
  ['Retry after 20 seconds, or wait 5 minutes', 20_000],
  ['Please wait 1 minute', 60_000],
  ['try again in 1 min 0 sec', 60_000],
])('waits for what the text says: %s', (message, expected) => {
  expect(wish({}, message)).toBeCloseTo(expected, 6);
});

test('a header that says nothing leaves the word to the text', () => {
  expect(wish({ 'retry-after': '-1' }, 'try again in 2s')).toBe(2000);
});

test.each([
  ['nothing', {}, ''],
  ['nothing of use', { 'retry-after': 'soon' }, 'Please try again later.'],
  ['a negative number', { 'retry-after': '-5' }, ''],
  ['zero', { 'retry-after': '0', 'x-ratelimit-reset-requests': '0s' }, ''],
  ['a negative reset, as Azure has done', { 'x-ratelimit-reset-requests': '-1' }, ''],
  ['a date that is over', { 'retry-after': 'Sat, 31 Jan 2026 11:59:00 GMT' }, ''],
  ['a number without unit', {}, 'try again in 20'],
  ['an unknown unit', {}, 'try again in 20 moons'],
])('makes no wish of %s', (_, headers, message) => {
  expect(wish(headers, message)).toBeUndefined();
});

const said = fc.oneof(
  fc.string(),
  fc.double().map(String),
  fc.bigInt().map(String),
  fc.date().map(String),
  fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
  fc
    .array(fc.tuple(fc.double({ min: 0, noNaN: true }), fc.constantFrom('ms', 's', 'm', 'h', 'x')))
    .map((parts) => parts.map(([amount, unit]) => `${amount}${unit}`).join('')),
);
/** What a header can carry at all. */
const header = said.filter((value) => /^[\x20-\x7e]*$/.test(value));

test('whatever a provider says, the wish is within (0, a minute] or there is none', () => {
  fc.assert(
    fc.property(header, header, header, header, said, (ms, after, requests, tokens, text) => {
      const found = wish(
        {
          'retry-after-ms': ms,
          'retry-after': after,
          'x-ratelimit-reset-requests': requests,
          'x-ratelimit-reset-tokens': tokens,
        },
        `Please try again in ${text}`,
      );
      if (found === undefined) return;
      expect(found).toBeGreaterThan(0);
      expect(found).toBeLessThanOrEqual(LONGEST_WAIT_MS);
    }),
  );
});

test('our own pause is anywhere up to a bound that doubles until a minute', () => {
  expect([0, 1, 2, 3].map((failures) => backoff(failures, () => 0.5))).toEqual([
    250, 500, 1000, 2000,
  ]);
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
      const pause = backoff(failures, () => random);
      expect(pause).toBeGreaterThanOrEqual(0);
      expect(pause).toBeLessThanOrEqual(LONGEST_WAIT_MS);
    }),
  );
});
