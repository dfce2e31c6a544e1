import type { SquadVersion } from '../contract/judge-options.ts';
import { normaliseAnswer, splitWords } from './normalise.ts';

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
  const golds = references.map(normaliseAnswer);
  const compared = version === 'v1.1' ? golds : nonEmpty(golds);
  if (compared.length === 0) return null;
  const given = normaliseAnswer(answer);
  return {
    em: compared.includes(given) ? 1 : 0,
    f1: Math.max(...compared.map((gold) => tokenF1(given, gold, version))),
  };
}

function nonEmpty(golds: readonly string[]): readonly string[] {
  const kept = golds.filter((gold) => gold !== '');
  return kept.length === 0 ? [''] : kept;
}

function tokenF1(given: string, gold: string, version: SquadVersion): number {
  const givenWords = splitWords(given);
  const goldWords = splitWords(gold);
  if (version === 'v2.0' && (givenWords.length === 0 || goldWords.length === 0))
    return given === gold ? 1 : 0;
  const same = commonCount(givenWords, goldWords);
  if (same === 0) return 0;
  // The order of operations of the reference: another one differs in the last bit.
  const precision = same / givenWords.length;
  const recall = same / goldWords.length;
  return (2 * precision * recall) / (precision + recall);
}

/** The size of the multiset intersection. */
function commonCount(left: readonly string[], right: readonly string[]): number {
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
