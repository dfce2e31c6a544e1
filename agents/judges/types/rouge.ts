import { judgeOptions } from '../../../shared/contract/judge-options.ts';
import { rouge } from '../../../shared/scoring/rouge.ts';
import { judgeFactory } from './judge.ts';

interface Prepared {
  readonly references: readonly string[];
  readonly score: ReturnType<typeof rouge>;
}

/** F1 of the words, word pairs or longest common subsequence that the answer shares with a reference, the best over the references. */
export const rougeJudge = judgeFactory({
  type: 'rouge',
  revision: 1,
  options: judgeOptions.rouge,
  rule: ({ variant, stemmer }) => {
    // The candidates of an example arrive one after another: its references are prepared once.
    let prepared: Prepared | undefined;
    return ({ references }, answer) => {
      if (references.length === 0)
        return { outcome: 'unscored', reason: 'the row has no reference' };
      if (references !== prepared?.references)
        prepared = { references, score: rouge(references, stemmer) };
      const scores = prepared.score(answer);
      return { outcome: 'scored', value: scores[variant][2], details: { ...scores } };
    };
  },
});
