/** Sums over units, of which each may be counted again. */
import type { CandidateCounts } from '../../../shared/contract/facts.ts';
export interface Tally {
  has(unit: string): boolean;
  set(unit: string, generated: number, candidates: CandidateCounts): void;
  readonly generated: number;
  readonly candidates: CandidateCounts;
}

export function createTally(): Tally {
  const units = new Map<string, { generated: number; candidates: CandidateCounts }>();
  const candidates: CandidateCounts = { planned: 0, scored: 0, certain: 0, unscored: {} };
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
  }
  return {
    has: (unit) => units.has(unit),
    set(unit, newGenerated, newCandidates) {
      add(unit, -1);
      units.set(unit, { generated: newGenerated, candidates: newCandidates });
      add(unit, 1);
    },
    get generated() {
      return generated;
    },
    candidates,
  };
}
