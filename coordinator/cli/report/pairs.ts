import type { Fact } from '../../../shared/contract/facts.ts';
import { type Against, againstOf } from '../../../shared/contract/judge-options.ts';
import type { ComparedAnswers, PairSums } from '../../../shared/contract/pairs.ts';
import { runFileOf } from '../../decision/journal.ts';

/** What a judge of pairs decided in a round: of its candidates, or of the evaluated answers to a part of a dataset. */
export interface RoundPairs {
  readonly round: number;
  readonly judge: string;
  readonly against: Against;
  /** `train` for the candidates, of all datasets together. */
  readonly part: 'train' | 'dev' | 'test';
  readonly dataset: string | null;
  readonly sums: PairSums & Partial<Pick<ComparedAnswers, 'words' | 'tokens'>>;
}

/** By round, then judge, as far as the journal goes. */
export function pairsOf(facts: readonly Fact[]): RoundPairs[] {
  const judges = new Map(runFileOf(facts).judges.map((judge) => [judge.name, againstOf(judge)]));
  return facts.flatMap((fact): RoundPairs[] => {
    if (fact.fact === 'dataset.sealed')
      return Object.entries(fact.health?.judges ?? {}).flatMap(([judge, { pairs: sums }]) =>
        sums === undefined
          ? []
          : [{ ...named(fact.step, judge), part: 'train', dataset: null, sums }],
      );
    if (fact.fact !== 'evaluation.finished') return [];
    return (['dev', 'test'] as const).flatMap((part) =>
      Object.entries(fact[part].pairs ?? {}).flatMap(([judge, datasets]) =>
        Object.entries(datasets).map(([dataset, sums]) => ({
          ...named(fact.step, judge),
          part,
          dataset,
          sums,
        })),
      ),
    );
  });

  function named(step: string, judge: string): Pick<RoundPairs, 'round' | 'judge' | 'against'> {
    return { round: Number(step.slice(1)), judge, against: judges.get(judge) ?? 'reference' };
  }
}
