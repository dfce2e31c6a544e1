import { expect, test } from 'vitest';
import { splitSentences } from '../../shared/scoring/sentences.ts';
import { aggregate, type Nli, summacZs } from '../../shared/scoring/summac.ts';

const options = { granularity: 'sentence', maxContextSentences: 100, use: 'ent-con' } as const;

test.each([
  ['Dr. Smith met Mr. J. R. Jones at 5 p.m. in Bath. They spoke.', 2],
  ['He lives in the U.S. It is big.', 2],
  ['Really?! "Yes." (No.) And so on', 4],
  ['The price rose to 3.5 dollars… then it fell.', 1],
  ['Wait... then. Wait... The end.', 3],
  ['no full stop', 1],
  [' \n ', 0],
])('%j has the sentences that a reader would count', (text, count) => {
  const sentences = splitSentences(text);
  expect(sentences).toHaveLength(count);
  expect(sentences.join('').replace(/\s/g, '')).toBe(text.replace(/\s/g, ''));
});

test('each sentence takes its best premise for and its best against, and the mean counts', () => {
  const image = {
    ent: [
      [0.9, 0.1],
      [0.2, 0.3],
    ],
    con: [
      [0, 0.8],
      [0.5, 0.1],
    ],
  };
  expect(aggregate(image, 'ent')).toEqual({ raw: 0.6, perSentence: [0.9, 0.3] });
  expect(aggregate(image, 'con').perSentence).toEqual([0.5, 1 - 0.8]);
  expect(aggregate(image, 'ent-con').perSentence).toEqual([0.9 - 0.5, 0.3 - 0.8]);
});

const certain: Nli = (premises) => (hypotheses) => {
  const image = premises.map(() => hypotheses.map(() => 1));
  return { ent: image, con: image };
};

test('an answer that claims nothing, or a context that says nothing, scores 0 in every use', () => {
  for (const use of ['ent-con', 'ent', 'con'] as const)
    for (const [context, answer] of [
      ['A long enough context.', ''],
      ['A long enough context.', 'Too short.'],
      ['', 'A long enough answer.'],
    ] as const)
      expect(summacZs(context, { ...options, use }, certain)(answer)).toEqual({
        raw: 0,
        perSentence: [],
      });
});

test('texts are cut as the granularity says, the context no further than its limit', () => {
  const text = 'The first sentence. The second one.\n\nThe third sentence.';
  const cut = (granularity: Parameters<typeof summacZs>[1]['granularity'], limit = 100) => {
    const seen: (readonly string[])[] = [];
    const nli: Nli = (premises) => (hypotheses) => {
      seen.push(premises, hypotheses);
      return certain(premises)(hypotheses);
    };
    summacZs(text, { ...options, granularity, maxContextSentences: limit }, nli)(text);
    return seen;
  };
  const sentences = ['The first sentence.', 'The second one.', 'The third sentence.'];
  const paragraphs = ['The first sentence. The second one.', 'The third sentence.'];
  expect(cut('sentence', 2)).toEqual([sentences.slice(0, 2), sentences]);
  expect(cut('paragraph')).toEqual([paragraphs, paragraphs]);
  expect(cut('2sents')[0]).toEqual([
    'The first sentence. The second one.',
    'The second one. The third sentence.',
    'The third sentence.',
  ]);
  expect(cut('document-mixed')).toEqual([[text], [...sentences, ...paragraphs]]);
});
