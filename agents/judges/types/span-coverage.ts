import { judgeOptions } from '../../../shared/contract/judge-options.ts';
import { spanCoverage } from '../../../shared/scoring/span.ts';
import { judgeFactory } from './judge.ts';

/** 1 if the answer is a span of the context, else 0; word and word-pair coverage in the details. */
export const spanCoverageJudge = judgeFactory({
  type: 'span-coverage',
  revision: 1,
  options: judgeOptions['span-coverage'],
  rule: ({ reading }) => {
    // The candidates of an example arrive one after another: its context is prepared once.
    let prepared = { context: '', measure: spanCoverage('', reading) };
    return ({ context }, answer) => {
      if (context === null) return { outcome: 'unscored', reason: 'the row has no context' };
      if (context !== prepared.context)
        prepared = { context, measure: spanCoverage(context, reading) };
      const coverage = prepared.measure(answer);
      return { outcome: 'scored', value: coverage.span, details: { ...coverage } };
    };
  },
});
