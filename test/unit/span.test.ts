import { expect, test } from 'vitest';
import { spanCoverage } from '../../shared/scoring/span.ts';

const passage = 'The well - known singer lives in Kyoto. 彼は京都に住んでいる。 يعيش في كيوتو';

test('an answer in the passage is covered, whatever its case, articles and punctuation', () => {
  const coverage = spanCoverage(passage, 'squad-substring');
  for (const answer of ['a Well-Known singer', 'KYOTO!', '京都', 'في كيوتو'])
    expect(coverage(answer).span, answer).toBe(1);
});

test('an answer that the passage does not hold is not covered', () => {
  const { span, unigram, bigram } = spanCoverage(passage, 'squad-substring')('lives in Tokyo');
  expect(span).toBe(0);
  expect(unigram).toBeCloseTo(2 / 3);
  expect(bigram).toBe(0.5);
});

test.each(['', '   ', 'the', '...', 'A.'])('an answer without words, %j, scores 0', (answer) => {
  const nothing = { span: 0, unigram: null, bigram: null };
  expect(spanCoverage(passage, 'squad-substring')(answer)).toEqual(nothing);
  expect(spanCoverage('', 'squad-words')(answer)).toEqual(nothing);
});

test('by words a span starts and ends at words; by characters it need not', () => {
  expect(spanCoverage('concatenate', 'squad-substring')('cat').span).toBe(1);
  expect(spanCoverage('concatenate', 'squad-words')('cat').span).toBe(0);
  expect(spanCoverage('Berlin, Germany.Alexander', 'squad-words')('Germany').span).toBe(0);
  expect(spanCoverage('Berlin, Germany.Alexander', 'spaced-words')('Germany').span).toBe(1);
});
