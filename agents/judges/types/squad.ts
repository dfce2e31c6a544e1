import { judgeOptions } from '../../../shared/contract/judge-options.ts';
import { squadScore } from '../../../shared/scoring/squad.ts';
import { judgeFactory, type JudgeFactory } from './judge.ts';

/** The two measures of SQuAD differ in the value only; both are in the details. */
export function squadJudge(type: 'exact-match' | 'squad-f1', measure: 'em' | 'f1'): JudgeFactory {
  return judgeFactory({
    type,
    revision: 1,
    options: judgeOptions[type],
    rule:
      ({ version }) =>
      ({ references }, answer) => {
        const score = squadScore(answer, references, version);
        return score === null
          ? { outcome: 'unscored', reason: 'the row has no reference' }
          : { outcome: 'scored', value: score[measure], details: { ...score } };
      },
  });
}
