import type { UnitRecords } from '../step/unit.ts';

/** Keeps about 10 MB of texts of 500 bytes. */
const RECENT_OUTCOMES = 20_000;

/**
 * The records of units that are between their first answer and their last, as the ledger has them: one unit is read for each of its
 * judges and their answers, within seconds. Units that were not touched for longest go first.
 */
export interface RecentUnits {
  get(unit: string): UnitRecords | undefined;
  /** Call it after the write. */
  keep(records: UnitRecords): void;
  drop(unit: string): void;
}

export function createRecentUnits(limit: number = RECENT_OUTCOMES): RecentUnits {
  const units = new Map<string, UnitRecords>();
  let outcomes = 0;
  function drop(unit: string): void {
    const known = units.get(unit);
    if (known === undefined) return;
    units.delete(unit);
    outcomes -= sizeOf(known);
  }
  return {
    get: (unit) => units.get(unit),
    keep(records) {
      drop(records.planned.unit);
      units.set(records.planned.unit, records);
      outcomes += sizeOf(records);
      for (const unit of units.keys()) {
        if (outcomes <= limit) break;
        drop(unit);
      }
    },
    drop,
  };
}

function sizeOf({ planned, sample }: UnitRecords): number {
  const generations = sample?.items.reduce((sum, item) => sum + item.generations.length, 0) ?? 0;
  return planned.examples.length + generations;
}
