import { randomBytes } from 'node:crypto';
import { judgeOptions } from '../../../shared/contract/judge-options.ts';
import { askFenced } from '../prompts/fenced.ts';
import { askPaper } from '../prompts/paper.ts';
import { modelJudge } from './model-judge.ts';
import { questionOf } from './question.ts';

/** LLM-as-a-judge on a single answer: a rating from 1 to 10 (RESET paper, 2.2 and Table 5). */
export const llm = modelJudge({
  type: 'llm',
  revision: 1,
  options: judgeOptions.llm,
  ask: (options, row, answer) => {
    const question = questionOf(row);
    if (question === undefined) return 'the row has no instruction';
    // A nonce for each call: an answer was written before it, so it cannot hold it.
    return options.prompt === 'paper'
      ? askPaper(question, answer, options)
      : askFenced(question, answer, randomBytes(8).toString('hex'), options);
  },
});
