import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createWordRuns } from '../../agents/curator/selection/word-runs.ts';

const LENGTH = 3;

function runsOf(words: readonly string[]): string[] {
  return words.slice(LENGTH - 1).map((_, at) => words.slice(at, at + LENGTH).join(' '));
}

test('texts share a run exactly where as many words in a row stand in both', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 });
  fc.assert(
    fc.property(fc.array(text, { maxLength: 6 }), text, (texts, asked) => {
      const runs = createWordRuns(LENGTH);
      for (const [at, words] of texts.entries()) runs.add(`${at}`, words.join(' '));
      const own = runsOf(asked);
      const sharing = texts.flatMap((words, at) =>
        runsOf(words).some((run) => own.includes(run)) ? [`${at}`] : [],
      );
      expect([...new Set(runs.sharedWith(asked.join(' ')))].sort()).toEqual(sharing.sort());
    }),
  );
});

test('case and punctuation make no difference, and a word that no text has breaks a run', () => {
  const runs = createWordRuns(LENGTH);
  runs.add('one', 'The Old, old town.');
  expect(runs.sharedWith('the old - OLD')).toEqual(['one']);
  expect(runs.sharedWith('the old new old town')).toEqual([]);
});

test('runs of equal hashes are not taken for each other', () => {
  const runs = createWordRuns(2);
  const words = Array.from({ length: 104_000 }, (_, at) => `w${at}`);
  // Numbers them in order, from 1.
  runs.add('all', words.join(' '));
  // 256 times the base is 103,168 modulo 2^32: so much less of the first word is worth as much as that much more of the second.
  runs.add('pair', 'w44 w103173');
  expect(runs.sharedWith('w44 w103173')).toEqual(['pair']);
  expect(runs.sharedWith('w300 w5')).toEqual([]);
});
