import { judgeOptions } from '../../../shared/contract/judge-options.ts';
import { verify } from '../../../shared/scoring/verifiable.ts';
import { judgeFactory } from './judge.ts';

/** The share of the row's constraints that the answer fulfils. */
export const verifiable = judgeFactory({
  type: 'verifiable',
  revision: 1,
  options: judgeOptions.verifiable,
  rule:
    () =>
    ({ constraints = [] }, answer) => {
      if (constraints.length === 0)
        return { outcome: 'unscored', reason: 'the row has no constraints' };
      const { value, passed, failed } = verify(answer, constraints);
      return { outcome: 'scored', value, details: { passed, failed } };
    },
});
