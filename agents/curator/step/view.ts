import type { CandidateCounts } from '../../../shared/contract/facts.ts';
import type { Run } from '../run.ts';
import { datasetOf } from '../ledger/units.ts';
import { countCandidates } from '../selection/score.ts';
import { type Selection, selectCandidate } from '../selection/select.ts';
import type { Board } from './board.ts';
import { roundOfStep, scoreUnit } from './score-unit.ts';
import { assess, isAnswered, isGenerated, type UnitRecords, type UnitState } from './unit.ts';

/** What follows from the ledger's records of a unit: a function of them, the run file and the task, so it can be made again at any time. */
export interface UnitView {
  readonly states: readonly UnitState[];
  readonly generated: number;
  /** Zero while a queue has not answered. */
  readonly candidates: CandidateCounts;
  /** By example; none while a queue has not answered, and none for an evaluation. */
  readonly selections: ReadonlyMap<string, Selection>;
}

export function viewUnit({ file }: Run, { record, judges }: Board, unit: UnitRecords): UnitView {
  const { planned, sample } = unit;
  const { step, attempt, checkpoint, winRates } = record;
  const states = assess(unit, {
    judges: judges(planned),
    select: file.select,
    attempt,
    trustedFrom: record.trustedFrom,
  });
  const generations = sample?.items.flatMap((item) => item.generations) ?? [];
  const view = { states, generated: generations.filter(isGenerated).length };
  const answered = isAnswered(states);
  if (!answered || checkpoint === null)
    return { ...view, candidates: countCandidates([]), selections: new Map() };

  const { kind } = datasetOf(file, planned.dataset);
  const scored = scoreUnit(file, kind, { step, checkpoint, winRates }, unit);
  const draw = { seed: file.seed, round: roundOfStep(step) };
  const selections =
    planned.split === 'train'
      ? scored.map(({ example, candidates }): [string, Selection] => [
          example,
          selectCandidate(candidates, file.select, { ...draw, example }),
        ])
      : [];
  return {
    ...view,
    candidates: countCandidates(scored.flatMap(({ candidates }) => candidates)),
    selections: new Map(selections),
  };
}
