import type { Store } from '../../../shared/store/store.ts';
import { readUnit } from '../ledger/units.ts';
import type { PlannedUnit } from '../plan/cut.ts';
import type { Run } from '../run.ts';
import type { Board } from './board.ts';
import type { UnitRecords } from './unit.ts';

/** What the ledger has on a unit, from memory where it is known: a read costs more than all else that a small unit needs. */
export async function recordsOf(
  run: Run,
  board: Board,
  planned: PlannedUnit,
  store: Store,
): Promise<UnitRecords> {
  if (board.isFresh(planned.unit)) return { planned, sample: undefined, verdicts: new Map() };
  const recent = run.recent.get(planned.unit);
  return recent ?? readUnit(store, run.name, planned, board.judges(planned));
}
