/**
 * Which candidate of an example is kept (RESET paper, 2.3).
 *
 * S1. Only candidates with a full score can be kept: a missing verdict never wins and never counts as a number.
 * S2. The best score wins, even if all are poor; `minScore` and `minMargin` say otherwise.
 * S3. A tie is between different texts, for equal texts make the same training row. It ends by policy: `first` in grid order;
 *     `majority`, the text of most candidates, then `first`; `random`, drawn by (run seed, round, example).
 * S4. Policy `random` is the control: what the best candidate lets in, a random scored candidate replaces, so the counts stay the same.
 *     Policy `reference` is another: the best candidate is selected as ever, and its text gives way to a gold reference in `balance.ts`.
 * S5. An example whose texts are all the same is kept without a score where no judge was asked for it (`certain.ts`).
 */
import { randomFrom } from '../../../shared/contract/random.ts';
import type { Select } from '../../../shared/contract/run-file.ts';
import { NOT_ASKED, type ScoredCandidate } from './score.ts';

/** Rules by which an example gives no training row. */
export type ExclusionRule =
  'no scored candidate' | 'below minScore' | 'below minMargin' | 'blank answer';

/** `candidate` is null exactly where `excluded` names the rule. */
export interface Selection {
  readonly candidate: string | null;
  readonly text: string | null;
  readonly excluded: ExclusionRule | null;
  /** Score of the kept candidate, or of the best one where the example is excluded; null where none has a score or none needs one. */
  readonly score: number | null;
  /** Best score minus that of the best different text; 0 in a tie, null without a second text. */
  readonly margin: number | null;
  /** How many different texts have the best score: 1 where there is no tie, 0 where there is no score. */
  readonly tied: number;
  readonly reason: string;
}

interface Scored extends ScoredCandidate {
  readonly text: string;
  readonly score: number;
}

/** Selects among the candidates of one example, given in grid order. */
export function selectCandidate(
  candidates: readonly ScoredCandidate[],
  select: Select,
  draw: { readonly seed: number; readonly round: number; readonly example: string },
): Selection {
  const only = candidates.find(({ certain }) => certain);
  if (only !== undefined) return selectOnly(only);
  const scored = candidates.filter(isScored);
  const first = scored[0];
  if (first === undefined)
    return {
      ...excluded('no scored candidate', null, null, 0),
      reason: `none of ${candidates.length} candidates has a full score`,
    };
  const score = Math.max(...scored.map((candidate) => candidate.score));
  const best = scored.filter((candidate) => candidate.score === score);
  const rest = scored.filter((candidate) => candidate.score < score);
  const tied = new Set(best.map(({ text }) => text)).size;
  const margin = marginOf(score, tied, rest);

  if (select.minScore !== undefined && score < select.minScore)
    return excluded('below minScore', score, margin, tied, `${score} < ${select.minScore}`);
  if (select.minMargin !== undefined && margin !== null && margin < select.minMargin)
    return excluded('below minMargin', score, margin, tied, `${margin} < ${select.minMargin}`);

  const random = select.policy === 'random';
  const kept = random ? pick(scored, draw, 'control') : breakTie(best, select.ties, draw);
  const { candidate, text, cells, score: keptScore } = kept ?? first;
  if (text.trim() === '') return excluded('blank answer', score, margin, tied);
  const why = random
    ? `a random one of ${scored.length} scored candidates (control)`
    : reasonOf(score, tied, margin, select.ties);
  return {
    candidate,
    text,
    excluded: null,
    score: keptScore,
    margin,
    tied,
    reason: `${cells.join(', ')}: ${why}${select.policy === 'reference' ? '; a gold reference is trained on in its place (control)' : ''}`,
  };
}

/** S5: where all texts are the same there is nothing to choose between. */
function selectOnly({ candidate, text, cells }: ScoredCandidate): Selection {
  if (text === null || text.trim() === '') return excluded('blank answer', null, null, 0);
  const reason = `${cells.join(', ')}: ${NOT_ASKED}`;
  return { candidate, text, excluded: null, score: null, margin: null, tied: 1, reason };
}

function isScored(candidate: ScoredCandidate): candidate is Scored {
  return candidate.score !== null && candidate.text !== null;
}

/** `rest` has no text of the best score: equal texts have equal verdicts. */
function marginOf(score: number, tied: number, rest: readonly Scored[]): number | null {
  if (tied > 1) return 0;
  if (rest.length === 0) return null;
  return score - Math.max(...rest.map((candidate) => candidate.score));
}

function breakTie(
  best: readonly Scored[],
  ties: Select['ties'],
  draw: Parameters<typeof pick>[1],
): Scored | undefined {
  switch (ties) {
    case 'first':
      return best[0];
    case 'majority': {
      const times = (one: Scored): number => best.filter(({ text }) => text === one.text).length;
      const most = Math.max(...best.map(times));
      return best.find((candidate) => times(candidate) === most);
    }
    case 'random': {
      const texts = best.filter(
        (one, index) => best.findIndex(({ text }) => text === one.text) === index,
      );
      return pick(texts, draw, 'tie');
    }
  }
}

function pick(
  from: readonly Scored[],
  { seed, round, example }: { seed: number; round: number; example: string },
  purpose: string,
): Scored | undefined {
  return from[randomFrom(seed, purpose, round, example).integer(from.length)];
}

function reasonOf(
  score: number,
  tied: number,
  margin: number | null,
  ties: Select['ties'],
): string {
  if (tied > 1) return `best score ${score}, tied by ${tied} texts, taken by \`${ties}\``;
  if (margin === null) return `score ${score}, the only text with a full score`;
  return `best score ${score}, ${margin} above the next text`;
}

function excluded(
  rule: ExclusionRule,
  score: number | null,
  margin: number | null,
  tied: number,
  detail?: string,
): Selection {
  const reason = detail === undefined ? rule : `${rule}: ${detail}`;
  return { candidate: null, text: null, excluded: rule, score, margin, tied, reason };
}
