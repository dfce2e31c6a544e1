import { PermanentError } from '../../../shared/contract/failure.ts';
import { unknownName } from '../../../shared/contract/problems.ts';
import type { JudgeSpec } from '../../../shared/contract/run-file.ts';
import { exactMatch } from './exact-match.ts';
import type { Judge, JudgeFactory } from './judge.ts';
import { rougeJudge } from './rouge.ts';
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
]);

/** The types that this peer can judge by; it says so in its presence. */
export const judgeTypes: readonly string[] = [...factories.keys()];

/** Throws PermanentError for an unknown type or option, naming the nearest known one. */
export function createJudge(type: string, options: Readonly<Record<string, unknown>>): Judge {
  const factory = factories.get(type);
  if (factory === undefined) throw new PermanentError(unknownName('judge type', type, judgeTypes));
  return factory(options);
}

/** The judge that a run file describes; what stands beside the keys of every judge are its options. */
export function judgeOf(spec: JudgeSpec): Judge {
  const { name: _name, axis: _axis, heldOut: _heldOut, type, ...options } = spec;
  return createJudge(type, options);
}
