import { judgeOptions } from '../../../shared/contract/judge-options.ts';
import { readRating, scaledRating } from '../../../shared/scoring/rating.ts';
import { judgeFactory } from './judge.ts';

/**
 * The rating in a judge model's text, which is itself what is judged. Meant for stored judgments and `score`: asked about the answers of a
 * run, it would let them rate themselves.
 */
export const ratingParser = judgeFactory({
  type: 'rating-parser',
  revision: 1,
  options: judgeOptions['rating-parser'],
  rule:
    ({ mode, scale }) =>
    (_row, judgment) => {
      const { rating, reason } = readRating(judgment, mode);
      return reason === null
        ? { outcome: 'scored', value: scaledRating(rating, scale), details: { rating } }
        : { outcome: 'unscored', reason, cause: 'malformed', details: { rating } };
    },
});
