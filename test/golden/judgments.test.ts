/** Ratings and pairs of scores against FastChat's parsers and the scores that were stored with GPT-4's judgments. */
import { expect, test } from 'vitest';
import { firstLineScores, twoScores } from '../../shared/scoring/pair.ts';
import { readRating } from '../../shared/scoring/rating.ts';
import { goldenRows } from '../support/golden.ts';

interface RatingRow {
  id: string;
  judgment: string;
  rating: number | null;
  matched_by: 'primary' | 'backup' | 'none';
  stored_score: number | null;
}

test('in mode reference every judgment has the rating of FastChat', (context) => {
  const rows = goldenRows<RatingRow>(context, 'golden/judge_rating.jsonl');
  expect(rows).toHaveLength(362);
  for (const { id, judgment, rating, matched_by } of rows) {
    const read = readRating(judgment, 'reference');
    expect(read.rating, id).toBe(rating);
    expect(read.reason === 'no rating found', id).toBe(matched_by === 'none');
    const usable = rating !== null && rating >= 1 && rating <= 10;
    expect(read.reason === null, id).toBe(usable);
  }
});

test("our own mode reads what was stored with GPT-4's judgments, but no single bracket and no 0", (context) => {
  const rows = goldenRows<RatingRow>(context, 'golden/judge_rating.jsonl');
  for (const { id, judgment, stored_score, matched_by } of rows) {
    if (stored_score === null) continue;
    const { rating } = readRating(judgment, 'last');
    expect(rating, id).toBe(matched_by === 'primary' && stored_score > 0 ? stored_score : null);
  }
});

interface PairRow {
  id: string;
  judgment: string;
  first_line_scores: [number | 'inf' | 'nan', number | 'inf' | 'nan'];
  two_score_pattern: [number, number] | null;
  two_score_matched_by: 'primary' | 'backup' | 'none';
  winner: 'A' | 'B' | 'tie' | 'error' | null;
}

const spelled = { inf: Infinity, nan: Number.NaN };
const unspelled = (score: number | keyof typeof spelled) =>
  typeof score === 'number' ? score : spelled[score];

test('the first line has the scores of FastChat, which stores -1 for both where there are none', (context) => {
  const rows = goldenRows<PairRow>(context, 'golden/judge_pair.jsonl');
  expect(rows).toHaveLength(218);
  for (const { id, judgment, first_line_scores } of rows) {
    const read = firstLineScores(judgment);
    expect('scores' in read ? read.scores : [-1, -1], id).toEqual(first_line_scores.map(unspelled));
  }
});

test('a pair in brackets has the scores and the winner of FastChat', (context) => {
  for (const row of goldenRows<PairRow>(context, 'golden/judge_pair.jsonl')) {
    const expected =
      row.two_score_pattern === null
        ? {
            reason:
              row.two_score_matched_by === 'none'
                ? 'no pair of scores found'
                : 'a score is no number that Python can read',
          }
        : { scores: row.two_score_pattern, winner: row.winner };
    expect(twoScores(row.judgment), row.id).toEqual(expected);
  }
});
