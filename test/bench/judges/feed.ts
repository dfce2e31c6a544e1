import type { JudgeUnit, Result } from '../../../shared/contract/work.ts';
import { type Kind, makeUnit } from './units.ts';

/** A unit that was offered and answered. */
export interface Stored {
  /** Of the clock of this process, in ms. */
  readonly at: number;
  /** From the offer to the stored result, in ms. */
  readonly tookMs: number;
  readonly verdicts: number;
}

/** Keeps judges in work, and notes what comes of it. */
export interface Feed {
  readonly stored: readonly Stored[];
  /** Offers so many units, and one more for each that is answered. */
  keep(kind: Kind, units: number): void;
  /** Offers no more, and waits for all that was offered. */
  drain(): Promise<void>;
  /** Offers one unit and waits for its result. */
  ask(unit: JudgeUnit): Promise<Stored>;
  /** To be told of every result. */
  take(result: Result): void;
}

export function createFeed(offer: (unit: JudgeUnit) => Promise<void>): Feed {
  const stored: Stored[] = [];
  const waiting = new Map<
    string,
    { offeredAt: number; resolve(one: Stored): void; reject(error: unknown): void }
  >();
  const cycles = new Set<Promise<void>>();
  let going = new AbortController();

  async function ask(unit: JudgeUnit): Promise<Stored> {
    const answered = new Promise<Stored>((resolve, reject) => {
      waiting.set(unit.unit, { offeredAt: performance.now(), resolve, reject });
    });
    await offer(unit);
    return answered;
  }

  async function cycle(kind: Kind, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) stored.push(await ask(makeUnit(kind)));
  }

  return {
    stored,
    ask,
    keep: (kind, units) => {
      going = new AbortController();
      const all = Array.from({ length: units }, () => cycle(kind, going.signal));
      for (const one of all) cycles.add(one);
      // A cycle that fails is told by `drain`.
      for (const one of all) one.catch(() => undefined);
    },
    drain: async () => {
      going.abort();
      await Promise.all(cycles);
      cycles.clear();
    },
    take: (result) => {
      const asked = waiting.get(result.unit);
      waiting.delete(result.unit);
      const at = performance.now();
      if (asked === undefined) return;
      const verdicts = verdictsOf(result);
      if (verdicts === undefined) asked.reject(new Error(`${result.unit} has unscored texts`));
      else asked.resolve({ at, tookMs: at - asked.offeredAt, verdicts });
    },
  };
}

/** How many texts were scored; undefined where one was not. */
function verdictsOf(result: Result): number | undefined {
  if (result.kind !== 'judge') return undefined;
  const verdicts = result.items.flatMap(({ verdicts }) => verdicts);
  return verdicts.every(({ answer }) => answer.outcome === 'scored') ? verdicts.length : undefined;
}
