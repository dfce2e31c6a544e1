import { PermanentError } from '../../../shared/contract/failure.ts';
import { unknownName } from '../../../shared/contract/problems.ts';
import type { JudgeSpec } from '../../../shared/contract/run-file.ts';
import type { Profiles } from '../../../shared/contract/peer.ts';
import type { Engines } from '../engines.ts';
import { scorerKind, type ScorerKind } from '../scorers/scorer.ts';
import { exactMatch } from './exact-match.ts';
import { flask } from './flask.ts';
import type { Judge, JudgeFactory } from './judge.ts';
import { ratingParser } from './rating-parser.ts';
import { llm } from './llm.ts';
import { multiAspect } from './multi-aspect.ts';
import { pairwise } from './pairwise.ts';
import { rougeJudge } from './rouge.ts';
import { scorerJudge } from './scorer.ts';
import { spanCoverageJudge } from './span-coverage.ts';
import { squadF1 } from './squad-f1.ts';
import { summacZsJudge } from './summac-zs.ts';
import { verifiable } from './verifiable.ts';

const factories = new Map<string, JudgeFactory>([
  ['exact-match', exactMatch],
  ['squad-f1', squadF1],
  ['span-coverage', spanCoverageJudge],
  ['rouge', rougeJudge],
  ['summac-zs', summacZsJudge],
  ['verifiable', verifiable],
  ['llm', llm],
  ['multi-aspect', multiAspect],
  ['flask', flask],
  ['pairwise', pairwise],
  ['rating-parser', ratingParser],
  ['http', scorerJudge('http')],
  ['command', scorerJudge('command')],
]);

export const judgeTypes: readonly string[] = [...factories.keys()];

/** What a peer with these profiles can judge by, in the words of `capabilityOf`; it says so in its presence. */
export function capabilities(profiles: Profiles): string[] {
  const names = { provider: profiles.providers, nli: profiles.nli, scorer: profiles.scorers };
  const fits = (name: string, kind: ScorerKind | undefined): boolean => {
    const profile = profiles.scorers[name];
    return kind === undefined || profile === undefined || scorerKind(profile) === kind;
  };
  return [...factories].flatMap(([type, { needs }]) => {
    if (needs === undefined) return [type];
    const withEach = Object.keys(names[needs.behind])
      .filter((name) => fits(name, needs.scorer))
      .map((name) => `${type}@${name}`);
    return needs.optional === true ? [type, ...withEach] : withEach;
  });
}

/** Throws PermanentError for an unknown type, option or profile, naming the nearest known one. */
export function createJudge(
  type: string,
  options: Readonly<Record<string, unknown>>,
  engines: Engines,
): Judge {
  const factory = factories.get(type);
  if (factory === undefined) throw new PermanentError(unknownName('judge type', type, judgeTypes));
  return factory.create(options, engines);
}

/** The judge that a run file describes; what stands beside the keys of every judge are its options. */
export function judgeOf(spec: JudgeSpec, engines: Engines): Judge {
  const { name: _name, axis: _axis, heldOut: _heldOut, type, ...options } = spec;
  return createJudge(type, options, engines);
}
