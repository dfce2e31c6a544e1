import type { Granularity, SummacUse } from '../contract/judge-options.ts';
import { splitSentences } from './sentences.ts';

/**
 * SummaC-ZS (Laban et al., 2022): for each sentence of an answer, the best support that any part of the context gives it by
 * natural language inference; for the answer, their mean.
 */
export interface SummacOptions {
  /** What contexts and answers are cut into: one word for both, or `<context>-<answer>`. */
  readonly granularity: Granularity;
  /** How many parts of a context are looked at, from its beginning. */
  readonly maxContextSentences: number;
  readonly use: SummacUse;
}

/** Probabilities in [0, 1] of entailment and contradiction, by premise and then by hypothesis. */
export interface NliImage {
  readonly ent: readonly (readonly number[])[];
  readonly con: readonly (readonly number[])[];
}

/** Prepares premises once and returns a function that compares hypotheses with them. */
export type Nli = (premises: readonly string[]) => (hypotheses: readonly string[]) => NliImage;

export interface SummacScore {
  /** Mean of `perSentence`: in [-1, 1] for `ent-con`, else in [0, 1]. */
  readonly raw: number;
  /** One value for each part of the answer that is longer than 10 characters; shorter ones are left out, as in the reference. */
  readonly perSentence: readonly number[];
}

/**
 * Prepares a context once and returns a function that scores answers against it. An answer without a part to look at claims
 * nothing, and a context without one supports nothing: both score 0. (The reference gives them 1 for `con`, where silence
 * would be the best answer.)
 */
export function summacZs(
  context: string,
  { granularity, maxContextSentences, use }: SummacOptions,
  nli: Nli,
): (answer: string) => SummacScore {
  const [ofContext = 'sentence', ofAnswer = ofContext] = granularity.split('-') as Part[];
  const premises = split[ofContext](context).slice(0, maxContextSentences);
  const compare = nli(premises);
  return (answer) => {
    const hypotheses = split[ofAnswer](answer);
    if (premises.length === 0 || hypotheses.length === 0) return { raw: 0, perSentence: [] };
    return aggregate(compare(hypotheses), use);
  };
}

/** For each hypothesis the largest entailment and the largest contradiction by any premise, joined as `use` says; their mean. */
export function aggregate({ ent, con }: NliImage, use: SummacUse): SummacScore {
  const best = largest(ent);
  const worst = largest(con);
  const perSentence = best.map((entailed, at) => joined[use](entailed, worst[at] ?? Number.NaN));
  return { raw: mean(perSentence), perSentence };
}

const joined: Readonly<Record<SummacUse, (entailed: number, contradicted: number) => number>> = {
  'ent-con': (entailed, contradicted) => entailed - contradicted,
  ent: (entailed) => entailed,
  con: (_, contradicted) => 1 - contradicted,
};

/** The largest value of each column. */
function largest([first = [], ...others]: readonly (readonly number[])[]): number[] {
  return first.map((value, at) =>
    others.reduce((top, row) => Math.max(top, row[at] ?? Number.NaN), value),
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

type Part = 'sentence' | '2sents' | 'paragraph' | 'document' | 'mixed';

const split: Readonly<Record<Part, (text: string) => string[]>> = {
  sentence: (text) => splitSentences(text).filter(isLong),
  '2sents': (text) => {
    const sentences = split.sentence(text);
    return sentences.map((sentence, at) =>
      [sentence, ...sentences.slice(at + 1, at + 2)].join(' '),
    );
  },
  paragraph: (text) =>
    text
      .split(text.includes('\n\n') ? '\n\n' : '\n')
      .map((paragraph) => paragraph.trim())
      .filter(isLong),
  document: (text) => [text],
  mixed: (text) => [...split.sentence(text), ...split.paragraph(text)],
};

/** By code points, as Python counts. */
function isLong(text: string): boolean {
  return text.length > 10 && (text.length > 20 || Array.from(text).length > 10);
}
