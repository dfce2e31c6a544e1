import type { SquadVersion } from '../contract/judge-options.ts';
import { answerWords } from './normalise.ts';

/** Exact match (0 or 1) and token F1 in [0, 1], each the best over the references. */
export interface SquadScore {
  readonly em: 0 | 1;
  readonly f1: number;
}

/**
 * Scores an answer as the official SQuAD programs do, bit for bit. They differ where something normalises to nothing. v1.1: an
 * empty answer shares no word (F1 0), and a question needs a reference; without one there is no score, which is null. v2.0: a
 * question without reference is unanswerable, and saying nothing is then right (1); empty references beside others are dropped.
 */
export function squadScore(
  answer: string,
  references: readonly string[],
  version: SquadVersion,
): SquadScore | null {
  const golds = references.map(answerWords);
  const compared = version === 'v1.1' ? golds : nonEmpty(golds);
  if (compared.length === 0) return null;
  const given = answerWords(answer);
  return {
    em: compared.some((gold) => gold.join(' ') === given.join(' ')) ? 1 : 0,
    f1: Math.max(...compared.map((gold) => tokenF1(given, gold, version))),
  };
}

/** Normalised texts, as their words. */
type Words = readonly string[];

function nonEmpty(golds: readonly Words[]): readonly Words[] {
  const kept = golds.filter((gold) => gold.length > 0);
  return kept.length === 0 ? [[]] : kept;
}

function tokenF1(given: Words, gold: Words, version: SquadVersion): number {
  if (version === 'v2.0' && (given.length === 0 || gold.length === 0))
    return given.length === gold.length ? 1 : 0;
  const same = commonCount(given, gold);
  if (same === 0) return 0;
  // The order of operations of the reference: another one differs in the last bit.
  const precision = same / given.length;
  const recall = same / gold.length;
  return (2 * precision * recall) / (precision + recall);
}

/** The size of the multiset intersection. */
function commonCount(left: Words, right: Words): number {
  if (left.length > right.length) return commonCount(right, left);
  const counts = new Map<string, number>();
  for (const word of left) counts.set(word, (counts.get(word) ?? 0) + 1);
  let common = 0;
  for (const word of right) {
    const count = counts.get(word) ?? 0;
    if (count === 0) continue;
    counts.set(word, count - 1);
    common += 1;
  }
  return common;
}
