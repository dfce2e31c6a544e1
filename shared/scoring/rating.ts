import type { RatingMode, RatingScale } from '../contract/judge-options.ts';
import { literalNumber } from './python-number.ts';
import { lastVerdict } from './verdict.ts';

/** A rating from 1 to 10; or the reason why there is none, and beside it what FastChat would store. */
export type Rated =
  | { readonly rating: number; readonly reason: null }
  | { readonly rating: number | null; readonly reason: string };

/**
 * Reads the rating out of a judge model's text; never throws.
 *
 * `last`: the last verdict `[[rating]]` in ASCII digits, such as `[[7]]` or `[[8.5]]`. If that is no number from 1 to 10, nothing before it
 * is read in its place. Single brackets, as of the citation `[1]`, are never read, nor is a verdict that also stands in one of the texts
 * `shown` to the judge: give the judged answer there.
 *
 * `reference`: `fastchat/llm_judge/common.py` of FastChat, with its weaknesses: the first `[[rating]]`, and only if there is none the first
 * `[rating]`, be it a citation or a quote. `rating` is what it stores: -1 where nothing was found, and any number at all, which outside of
 * 1 to 10 has a reason beside it; null where it raises or where a double cannot hold the number.
 */
export function readRating(
  judgment: string,
  mode: RatingMode,
  shown: readonly string[] = [],
): Rated {
  return mode === 'last' ? readLast(judgment, shown) : readAsReference(judgment);
}

/** Takes a rating from 1 to 10. */
export function scaledRating(rating: number, scale: RatingScale): number {
  return scale === 'tenths' ? rating / 10 : (rating - 1) / 9;
}

function readLast(judgment: string, shown: readonly string[]): Rated {
  const last = lastVerdict(judgment, shown);
  if ('reason' in last) return { rating: null, reason: last.reason };
  const rating = /^[1-9]\d*(?:\.\d*)?$/.test(last.verdict) ? Number(last.verdict) : Number.NaN;
  return rating <= 10 ? { rating, reason: null } : { rating: null, reason: outside(last.verdict) };
}

/** `one_score_pattern` and its backup. Python's `\d` is `\p{Nd}`; `\d+\.?\d*` is written so that no text takes quadratic time. */
const patterns = [/\[\[(\p{Nd}+(?:\.\p{Nd}*)?)\]\]/u, /\[(\p{Nd}+(?:\.\p{Nd}*)?)\]/u];

function readAsReference(judgment: string): Rated {
  const text = patterns.map((pattern) => pattern.exec(judgment)?.[1]).find(Boolean);
  if (text === undefined) return { rating: -1, reason: 'no rating found' };
  const rating = literalNumber(text);
  return rating !== null && rating >= 1 && rating <= 10
    ? { rating, reason: null }
    : { rating, reason: outside(text) };
}

function outside(text: string): string {
  const start = text.length > 20 ? `${text.slice(0, 20)}…` : text;
  return `the rating "${start}" is no number from 1 to 10`;
}
