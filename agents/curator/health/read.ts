import { isAskedByExample } from '../../../shared/contract/judge-options.ts';
import type { JudgeSpec } from '../../../shared/contract/run-file.ts';
import type { Store } from '../../../shared/store/store.ts';
import { readUnit } from '../ledger/units.ts';
import type { Run } from '../run.ts';
import type { Board } from '../step/board.ts';
import { answersOf, type UnitAnswers } from './answers.ts';

/** The judges of a round, in the order of the run file, and what they said. */
export interface RoundAnswers {
  readonly judges: readonly JudgeSpec[];
  readonly units: readonly UnitAnswers[];
}

/** Reads what the judges of a round said. Undefined where none of them has an engine behind it: the others say the same each time. */
export async function readRoundAnswers(
  run: Run,
  board: Board,
  store: Store,
): Promise<RoundAnswers | undefined> {
  const asked = new Set([...board.units.values()].flatMap((unit) => board.judges(unit)));
  const judges = run.file.judges.filter((judge) => asked.has(judge));
  if (!judges.some(isAskedByExample)) return undefined;
  const units: UnitAnswers[] = [];
  for (const planned of board.units.values()) {
    const own = board.judges(planned);
    const records = await readUnit(store, run.name, planned, own);
    units.push(answersOf(run.file, own, records));
  }
  return { judges, units };
}
