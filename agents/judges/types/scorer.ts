import { judgeOptions } from '../../../shared/contract/judge-options.ts';
import { PermanentError } from '../../../shared/contract/failure.ts';
import type { Engines } from '../engines.ts';
import type { Scorer, ScorerKind } from '../scorers/scorer.ts';
import { judgeFactory, type JudgeFactory } from './judge.ts';

/** What a user's own scorer says; `scorers/protocol.ts` has the words. What it calls itself is in the fingerprint. */
export function scorerJudge(kind: ScorerKind): JudgeFactory {
  return judgeFactory({
    type: kind,
    revision: 1,
    options: judgeOptions[kind],
    needs: { behind: 'scorer', scorer: kind },
    rule: ({ scorer: name }, engines) => {
      const scorer = scorerOf(name, kind, engines);
      return (row, answer, signal) => scorer.score(row, answer, signal);
    },
    identity: ({ scorer: name }, engines, signal) => scorerOf(name, kind, engines).identity(signal),
  });
}

function scorerOf(name: string, kind: ScorerKind, engines: Engines): Scorer {
  const scorer = engines.scorer(name);
  if (scorer.kind === kind) return scorer;
  const [needed, given] = kind === 'http' ? ['a url', 'a command'] : ['a command', 'a url'];
  throw new PermanentError(
    `a judge of type ${kind} needs a scorer with ${needed}, and the profile of "${name}" has ${given}: write type ${scorer.kind}, or another profile`,
  );
}
