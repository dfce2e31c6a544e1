import { judgeOptions } from '../../../shared/contract/judge-options.ts';
import { askFlask } from '../prompts/flask.ts';
import { modelJudge } from './model-judge.ts';
import { questionOf } from './question.ts';

/** Three of FLASK's skills, judged by a model ("mixing" paper, appendix B). */
export const flask = modelJudge({
  type: 'flask',
  revision: 1,
  options: judgeOptions.flask,
  ask: ({ skills }, row, answer) => {
    const question = questionOf(row);
    return question === undefined
      ? 'the row has no instruction'
      : askFlask(question, answer, row.references[0], skills);
  },
});
