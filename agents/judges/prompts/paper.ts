import type { RatingMode, RatingScale } from '../../../shared/contract/judge-options.ts';
import { readRating, scaledRating } from '../../../shared/scoring/rating.ts';
import { type Asking, userPrompt } from './asking.ts';

/** Table 5 of the RESET paper up to the question, word for word; its lines are broken where the page ends. */
const SYSTEM =
  '[System]\nPlease act as an impartial judge and evaluate the quality of the response provided by an AI assistant to the user question displayed below. Your evaluation should consider factors such as the helpfulness, relevance, accuracy, depth, creativity, and level of detail of the response. Begin your evaluation by providing a short explanation (strictly 1-2 short sentences). Be as objective as possible. After providing your explanation, please rate the response on a scale of 1 to 10 by strictly following this format: "[[rating]]", for example: "Rating: [[5]]".';

/** Single answer, rating 1 to 10: one message, as the table prints it. An answer can close its own block here; `fenced` is safer. */
export function askPaper(
  question: string,
  answer: string,
  { rating: mode, scale }: { readonly rating: RatingMode; readonly scale: RatingScale },
): Asking {
  return {
    questions: [
      userPrompt(
        SYSTEM,
        '[Question]',
        question,
        "[The Start of Assistant's Answer]",
        answer,
        "[The End of Assistant's Answer]",
      ),
    ],
    read: (text = '') => {
      const { rating, reason } = readRating(text, mode, [question, answer]);
      return reason === null
        ? { value: scaledRating(rating, scale), details: { rating } }
        : { reason, details: { rating } };
    },
  };
}
