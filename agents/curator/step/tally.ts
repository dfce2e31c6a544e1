/** Sums over units, of which each may be counted again. */
import type { CandidateCounts } from '../../../shared/contract/facts.ts';
import { addJudging, type Judging, noJudging } from '../../../shared/contract/judging.ts';
import type { JudgingByJudge } from './judging.ts';

/** What was counted of a unit. */
export interface UnitCounts {
  readonly generated: number;
  readonly candidates: CandidateCounts;
  readonly judging: JudgingByJudge;
}

export interface Tally {
  has(unit: string): boolean;
  set(unit: string, counts: UnitCounts): void;
  readonly generated: number;
  readonly candidates: CandidateCounts;
  readonly judging: JudgingByJudge;
}

export function createTally(): Tally {
  const units = new Map<string, UnitCounts>();
  const candidates: CandidateCounts = { planned: 0, scored: 0, certain: 0, unscored: {} };
  const judging: Record<string, Judging> = {};
  let generated = 0;
  function add(unit: string, sign: 1 | -1): void {
    const one = units.get(unit);
    if (one === undefined) return;
    generated += sign * one.generated;
    candidates.planned += sign * one.candidates.planned;
    candidates.scored += sign * one.candidates.scored;
    candidates.certain += sign * one.candidates.certain;
    for (const [reason, times] of Object.entries(one.candidates.unscored)) {
      const sum = (candidates.unscored[reason] ?? 0) + sign * times;
      if (sum === 0) delete candidates.unscored[reason];
      else candidates.unscored[reason] = sum;
    }
    for (const [judge, did] of Object.entries(one.judging))
      judging[judge] = addJudging(judging[judge] ?? noJudging, did, sign);
  }
  return {
    has: (unit) => units.has(unit),
    set(unit, { generated: texts, candidates: counted, judging: did }) {
      add(unit, -1);
      units.set(unit, { generated: texts, candidates: counted, judging: did });
      add(unit, 1);
    },
    get generated() {
      return generated;
    },
    candidates,
    judging,
  };
}
