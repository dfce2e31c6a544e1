/** What judge models say of two answers, A and B; none of these functions throws. */
import { space } from './normalise.ts';
import { float, literalNumber } from './python-number.ts';
import { lastVerdict } from './verdict.ts';

export type Winner = 'A' | 'B' | 'tie';

/** What the pair amounts to for the answer that was A in the first order. */
export type Join = 'win' | 'tie' | 'lose';

type Scores = readonly [a: number, b: number];

/** Scores further apart than this have a winner: `TIE_DELTA` of FastChat. */
const TIE_DELTA = 0.1;

/**
 * `first-line`, the rule of FastChat's old `eval_gpt_review.parse_score`: the first line is two numbers between which stands one space or
 * one comma. It takes whatever Python's `float` takes, so a score may be negative, infinite or NaN. Where there is a reason, FastChat
 * stores -1 for both.
 */
export function firstLineScores(
  judgment: string,
): { readonly scores: Scores } | { readonly reason: string } {
  const [line = ''] = judgment.split('\n', 1);
  const words = line.replaceAll(',', ' ').split(' ');
  const [a, b] = words.map(float);
  return words.length === 2 && typeof a === 'number' && typeof b === 'number'
    ? { scores: [a, b] }
    : { reason: 'the first line is not two numbers' };
}

/**
 * `two-score`, the rule of FastChat's `fastchat/llm_judge/common.py`: the first `[[a,b]]`, and only if there is none the first `[a,b]`.
 * Where there is a reason, FastChat stores the winner "error", or raises: digits that are not ASCII, an integer with a leading zero. So
 * does a number that no double can hold here.
 */
export function twoScores(
  judgment: string,
): { readonly scores: Scores; readonly winner: Winner } | { readonly reason: string } {
  const match = patterns.map((pattern) => pattern.exec(judgment)).find((found) => found !== null);
  if (match === undefined) return { reason: 'no pair of scores found' };
  const [, a, b] = match.map(literalNumber);
  return typeof a === 'number' && typeof b === 'number'
    ? { scores: [a, b], winner: winnerOf([a, b]) }
    : { reason: 'a score is no number that Python can read' };
}

/** `two_score_pattern` and its backup. */
const score = String.raw`(\p{Nd}+(?:\.\p{Nd}*)?)`;
const scores = String.raw`\[${score},[${space}]?${score}\]`;
const patterns = [new RegExp(String.raw`\[${scores}\]`, 'u'), new RegExp(scores, 'u')];

function winnerOf([a, b]: Scores): Winner {
  if (Math.abs(a - b) <= TIE_DELTA) return 'tie';
  return a > b ? 'A' : 'B';
}

/**
 * The last verdict `[[A]]`, `[[B]]` or `[[C]]`, which is a tie. FastChat takes an `[[A]]` anywhere for A, then a `[[B]]`. A verdict that also
 * stands in one of the texts `shown` to the judge is never read: give both answers there.
 */
export function pairVerdict(
  judgment: string,
  shown: readonly string[] = [],
): { readonly winner: Winner } | { readonly reason: string } {
  const last = lastVerdict(judgment, shown);
  if ('reason' in last) return last;
  const winner = letters.get(last.verdict);
  return winner === undefined ? { reason: 'the last verdict is not A, B or C' } : { winner };
}

const letters = new Map<string, Winner>([
  ['A', 'A'],
  ['B', 'B'],
  ['C', 'tie'],
]);

/**
 * Joins the verdicts on a pair in both orders, as FastChat's `show_result.py`: an answer wins where it was found better in the first order,
 * as A, and in the swapped one, as B. All else is a tie.
 */
export function joinOrders(first: Winner, swapped: Winner): Join {
  if (first === 'A' && swapped === 'B') return 'win';
  return first === 'B' && swapped === 'A' ? 'lose' : 'tie';
}
