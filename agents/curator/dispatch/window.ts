/** At most this many units of a queue are on the bus; the plan stays in the ledger (bus.md: `next()` slows down with what is queued). */
export const WINDOW_UNITS = 512;

/**
 * What one queue of a run still lacks, in the order of the plan, and which part of it is on the bus.
 *
 *   add → waiting → offered → (settle) gone
 *           ▲──── reconcile ────┘
 */
export interface Window {
  /** A unit has become possible, or is to be worked again. */
  add(unit: string): void;
  /** The ledger has the unit's answer. */
  settle(unit: string): void;
  /** Units to offer now, at most what the window has room for. */
  take(): string[];
  /** These could not be offered: they wait in front. */
  putBack(units: readonly string[]): void;
  /** Given what is on the bus, units that were offered and are gone from it wait again, and those found on it are taken as offered. Returns how many were gone. */
  reconcile(onBus: ReadonlySet<string>): number;
  /** Units that are waiting or offered. */
  missing(): number;
  offered(): number;
}

export function createWindow(size: number = WINDOW_UNITS): Window {
  let waiting = new Set<string>();
  const offered = new Set<string>();

  function putBack(units: readonly string[]): void {
    const back = units.filter((unit) => offered.delete(unit));
    if (back.length > 0) waiting = new Set([...back, ...waiting]);
  }

  return {
    add(unit) {
      if (!offered.has(unit)) waiting.add(unit);
    },
    settle(unit) {
      waiting.delete(unit);
      offered.delete(unit);
    },
    take() {
      const units: string[] = [];
      for (const unit of waiting) {
        if (offered.size >= size) break;
        waiting.delete(unit);
        offered.add(unit);
        units.push(unit);
      }
      return units;
    },
    putBack,
    reconcile(onBus) {
      for (const unit of waiting) {
        if (!onBus.has(unit)) continue;
        waiting.delete(unit);
        offered.add(unit);
      }
      const gone = [...offered].filter((unit) => !onBus.has(unit));
      putBack(gone);
      return gone.length;
    },
    missing: () => waiting.size + offered.size,
    offered: () => offered.size,
  };
}
