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

/** A model that answers after a while: every premise with every hypothesis. */
export type NliService = (
  premises: readonly string[],
  hypotheses: readonly string[],
  signal: AbortSignal,
) => Promise<NliImage>;

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
  options: SummacOptions,
  nli: Nli,
): (answer: string) => SummacScore {
  const { premises, hypothesesOf } = cut(context, options);
  const compare = nli(premises);
  return (answer) => {
    const hypotheses = hypothesesOf(answer);
    if (premises.length === 0 || hypotheses.length === 0) return silence;
    return aggregate(compare(hypotheses), options.use);
  };
}

/** The same by a model that answers after a while; it is asked once for each answer. */
export function summacZsBy(
  context: string,
  options: SummacOptions,
  nli: NliService,
): (answer: string, signal: AbortSignal) => Promise<SummacScore> {
  const { premises, hypothesesOf } = cut(context, options);
  return async (answer, signal) => {
    const hypotheses = hypothesesOf(answer);
    if (premises.length === 0 || hypotheses.length === 0) return silence;
    return aggregate(await nli(premises, hypotheses, signal), options.use);
  };
}

const silence: SummacScore = { raw: 0, perSentence: [] };

/** The parts of a context, and what gives those of an answer. */
function cut(context: string, { granularity, maxContextSentences }: SummacOptions) {
  const [ofContext = 'sentence', ofAnswer = ofContext] = granularity.split('-') as Part[];
  return {
    premises: split[ofContext](context).slice(0, maxContextSentences),
    hypothesesOf: split[ofAnswer],
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
