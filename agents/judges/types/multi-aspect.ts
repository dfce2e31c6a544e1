import { judgeOptions } from '../../../shared/contract/judge-options.ts';
import { askMultiAspect } from '../prompts/multi-aspect.ts';
import { modelJudge } from './model-judge.ts';
import { questionOf } from './question.ts';

/** Helpfulness, clarity, factuality, depth and engagement of an answer, judged by a model ("limits" paper, 2). */
export const multiAspect = modelJudge({
  type: 'multi-aspect',
  revision: 1,
  options: judgeOptions['multi-aspect'],
  ask: ({ weights }, row, answer) => {
    const question = questionOf(row);
    return question === undefined
      ? 'the row has no instruction'
      : askMultiAspect(question, answer, weights);
  },
});
