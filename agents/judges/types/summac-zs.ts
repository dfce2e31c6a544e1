import { judgeOptions } from '../../../shared/contract/judge-options.ts';
import { lexicalNli } from '../../../shared/scoring/lexical-nli.ts';
import { splitter } from '../../../shared/scoring/sentences.ts';
import {
  type NliService,
  type SummacOptions,
  type SummacScore,
  summacZs,
  summacZsBy,
} from '../../../shared/scoring/summac.ts';
import type { Outcome } from '../../../shared/contract/work.ts';
import type { NliModel, NliPair } from '../nli/nli.ts';
import { judgeFactory, type JudgedRow, type Rule } from './judge.ts';

/**
 * How far the context, behind its question where there is one, supports the sentences of the answer (RESET paper, 2.2). The
 * value is the raw score in [-1, 1] with everything below 0, more contradicted than supported, counted as 0; so it is the
 * figure that papers report wherever that is not negative.
 */
export const summacZsJudge = judgeFactory({
  type: 'summac-zs',
  revision: 3,
  options: judgeOptions['summac-zs'],
  needs: { behind: 'nli', optional: true },
  rule: ({ nli, ...options }, engines) =>
    nli === 'lexical' ? lexicalRule(options) : modelRule(options, engines.nli(nli)),
  identity: async ({ nli }, engines, signal) =>
    nli === 'lexical' ? undefined : { nli: await engines.nli(nli).identity(signal), splitter },
});

function lexicalRule(options: SummacOptions): Rule {
  const score = preparedOnce((document) => summacZs(document, options, lexicalNli));
  return (row, answer) => {
    const document = documentOf(row);
    return document === null ? noContext : verdict(score(document)(answer), {});
  };
}

function modelRule(options: SummacOptions, model: NliModel): Rule {
  const score = preparedOnce((document) => summacZsBy(document, options, imageBy(model)));
  return async (row, answer, signal) => {
    const document = documentOf(row);
    if (document === null) return noContext;
    const summac = await score(document)(answer, signal);
    return verdict(summac, { nli: await model.identity(signal), splitter });
  };
}

const noContext: Outcome = { outcome: 'unscored', reason: 'the row has no context' };

function documentOf({ context, question }: JudgedRow): string | null {
  return context === null || question === null ? context : `${question} ${context}`;
}

function verdict(
  { raw, perSentence }: SummacScore,
  by: Readonly<Record<string, unknown>>,
): Outcome {
  return { outcome: 'scored', value: Math.max(0, raw), details: { raw, perSentence, ...by } };
}

/** The candidates of an example arrive one after another: its context is prepared once. */
function preparedOnce<TScore>(prepare: (document: string) => TScore): (document: string) => TScore {
  let prepared: { document: string; score: TScore } | undefined;
  return (document) => {
    if (document !== prepared?.document) prepared = { document, score: prepare(document) };
    return prepared.score;
  };
}

/** All pairs of an answer in one call. */
function imageBy(model: NliModel): NliService {
  return async (premises, hypotheses, signal) => {
    const pairs = premises.flatMap((premise) =>
      hypotheses.map((hypothesis): NliPair => [premise, hypothesis]),
    );
    const verdicts = await model.classify(pairs, signal);
    const rows = premises.map((_, row) =>
      verdicts.slice(row * hypotheses.length, (row + 1) * hypotheses.length),
    );
    return {
      ent: rows.map((row) => row.map(({ ent }) => ent)),
      con: rows.map((row) => row.map(({ con }) => con)),
    };
  };
}
