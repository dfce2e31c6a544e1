import { judgeOptions } from '../../../shared/contract/judge-options.ts';
import { askPairwise } from '../prompts/pairwise.ts';
import { modelJudge } from './model-judge.ts';
import { questionOf } from './question.ts';

/** An answer against the row's first reference, judged by a model in both orders ("long is more" paper, 2.2). */
export const pairwise = modelJudge({
  type: 'pairwise',
  revision: 1,
  options: judgeOptions.pairwise,
  ask: (_, row, answer) => {
    const question = questionOf(row);
    const [reference] = row.references;
    if (question === undefined) return 'the row has no instruction';
    if (reference === undefined) return 'the row has no reference to compare with';
    return askPairwise(question, answer, reference);
  },
});
