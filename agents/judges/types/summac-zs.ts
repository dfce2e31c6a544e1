import { judgeOptions } from '../../../shared/contract/judge-options.ts';
import { lexicalNli } from '../../../shared/scoring/lexical-nli.ts';
import { summacZs } from '../../../shared/scoring/summac.ts';
import { judgeFactory } from './judge.ts';

interface Prepared {
  readonly document: string;
  readonly score: ReturnType<typeof summacZs>;
}

/**
 * How far the context, behind its question where there is one, supports the sentences of the answer (RESET paper, 2.2). The
 * value is the raw score in [-1, 1] with everything below 0, more contradicted than supported, counted as 0; so it is the
 * figure that papers report wherever that is not negative.
 */
export const summacZsJudge = judgeFactory({
  type: 'summac-zs',
  revision: 3,
  options: judgeOptions['summac-zs'],
  rule: (options) => {
    // The candidates of an example arrive one after another: its context is prepared once.
    let prepared: Prepared | undefined;
    return ({ context, question }, answer) => {
      if (context === null) return { outcome: 'unscored', reason: 'the row has no context' };
      const document = question === null ? context : `${question} ${context}`;
      if (document !== prepared?.document)
        prepared = { document, score: summacZs(document, options, lexicalNli) };
      const { raw, perSentence } = prepared.score(answer);
      return { outcome: 'scored', value: Math.max(0, raw), details: { raw, perSentence } };
    };
  },
});
