import type { SpanReading } from '../contract/judge-options.ts';
import { normalisations } from './normalise.ts';

/**
 * How "the predicted answer is a span within the context" is read: a normalisation, and whether the span must start and end at
 * words. The paper published no code. `squad-substring` is the default: the paper says "standard normalization", which is
 * SQuAD's; and on real rows a gold answer that fails by words does so because of its text (no space after a full stop, a
 * script without spaces), not because it is unfaithful.
 */
const readings: Readonly<Record<SpanReading, Reading>> = {
  'squad-substring': { normalise: normalisations.squad, byWords: false },
  'squad-words': { normalise: normalisations.squad, byWords: true },
  'ordered-substring': { normalise: normalisations.ordered, byWords: false },
  'ordered-words': { normalise: normalisations.ordered, byWords: true },
  'spaced-substring': { normalise: normalisations.spaced, byWords: false },
  'spaced-words': { normalise: normalisations.spaced, byWords: true },
};

interface Reading {
  readonly normalise: (text: string) => string[];
  readonly byWords: boolean;
}

export interface SpanCoverage {
  /** 1 if the normalised answer is a span of the normalised context, else 0; 0 for an answer that normalises to nothing. */
  readonly span: 0 | 1;
  /** Share of the answer's words, each occurrence counted, that are words of the context; null if it has none. */
  readonly unigram: number | null;
  /** The same of its pairs of neighbouring words; null for fewer than two words. */
  readonly bigram: number | null;
}

/** Prepares a context once and returns a function that measures answers against it (RESET paper, 2.2 and A.2). */
export function spanCoverage(
  context: string,
  reading: SpanReading,
): (answer: string) => SpanCoverage {
  const { normalise, byWords } = readings[reading];
  const contextWords = normalise(context);
  const normalised = contextWords.join(' ');
  const padded = ` ${normalised} `;
  const unigrams = new Set(contextWords);
  const bigrams = new Set(pairs(contextWords));

  return (answer) => {
    const words = normalise(answer);
    const given = words.join(' ');
    const found = byWords ? padded.includes(` ${given} `) : normalised.includes(given);
    return {
      // An empty string is a substring of anything: without this check, silence would be faithful.
      span: given !== '' && found ? 1 : 0,
      unigram: shareIn(words, unigrams),
      bigram: shareIn(pairs(words), bigrams),
    };
  };
}

/** Neighbouring words joined by a space; no normalised word holds one. */
function pairs(words: readonly string[]): string[] {
  return words.slice(1).map((word, index) => `${words[index] ?? ''} ${word}`);
}

function shareIn(grams: readonly string[], known: ReadonlySet<string>): number | null {
  if (grams.length === 0) return null;
  return grams.filter((gram) => known.has(gram)).length / grams.length;
}
