import type { StepProgress } from '../../../shared/contract/steps.ts';
import type { TaskRecord } from '../ledger/tables.ts';
import type { PlannedUnit } from '../plan/cut.ts';
import type { CandidateCount } from '../selection/score.ts';
import type { QueueState } from './unit.ts';

/** What changed for one queue when a unit was looked at again. */
export interface QueueChange {
  readonly queue: string;
  readonly unit: string;
  readonly state: QueueState;
}

/**
 * What is known of a task in memory: its units and which of their queues are answered. Names and counts only; the texts stay in the
 * ledger, from which a board can be made again at any time.
 */
export interface Board {
  readonly record: TaskRecord;
  readonly units: ReadonlyMap<string, PlannedUnit>;
  /** Judges' names by dataset. */
  readonly judges: (dataset: string) => readonly string[];
  /** Takes the unit's present state; returns the queues in which it changed. */
  look(unit: string, states: ReadonlyMap<string, QueueState>): QueueChange[];
  /** Counts the candidates of a unit, instead of what was counted of it before. `generated` have a text. */
  count(unit: string, generated: number, candidates: CandidateCount): void;
  /** Nothing was counted of the unit: the ledger has no answer of it. */
  isFresh(unit: string): boolean;
  isComplete(): boolean;
  /** Units that a queue has not answered. */
  missing(): ReadonlyMap<string, number>;
  progress(phase: 'planning' | 'working' | 'sealing' | 'done'): StepProgress;
  candidates(): CandidateCount;
}

interface Tally {
  has(unit: string): boolean;
  set(unit: string, generated: number, candidates: CandidateCount): void;
  readonly generated: number;
  readonly candidates: CandidateCount;
}

export function createBoard(
  record: TaskRecord,
  planned: readonly PlannedUnit[],
  judges: (dataset: string) => readonly string[],
): Board {
  const units = new Map(planned.map((unit) => [unit.unit, unit]));
  const states = new Map<string, Map<string, QueueState>>([['sample', new Map()]]);
  for (const { unit, dataset } of planned)
    for (const queue of ['sample', ...judges(dataset)]) {
      const queued = states.get(queue) ?? new Map<string, QueueState>();
      queued.set(unit, 'waiting');
      states.set(queue, queued);
    }
  const answered = new Map(Array.from(states.keys(), (queue) => [queue, 0]));
  const tally = createTally();

  function missing(): Map<string, number> {
    return new Map(
      Array.from(states, ([queue, queued]) => [queue, queued.size - (answered.get(queue) ?? 0)]),
    );
  }
  return {
    record,
    units,
    judges,
    look(unit, now) {
      const changes: QueueChange[] = [];
      for (const [queue, state] of now) {
        const queued = states.get(queue);
        const before = queued?.get(unit);
        if (queued === undefined || before === undefined || before === state) continue;
        queued.set(unit, state);
        const step = Number(state === 'answered') - Number(before === 'answered');
        answered.set(queue, (answered.get(queue) ?? 0) + step);
        changes.push({ queue, unit, state });
      }
      return changes;
    },
    count(unit, generated, candidates) {
      tally.set(unit, generated, candidates);
    },
    isFresh: (unit) => !tally.has(unit),
    isComplete: () => [...missing().values()].every((left) => left === 0),
    missing,
    candidates: () => tally.candidates,
    progress(phase) {
      const sampling = (missing().get('sample') ?? 0) > 0;
      return {
        step: record.step,
        phase: phase === 'working' ? (sampling ? 'sampling' : 'judging') : phase,
        queues: Object.fromEntries(
          Array.from(states, ([queue, queued]) => [
            queue,
            { planned: queued.size, answered: answered.get(queue) ?? 0 },
          ]),
        ),
        candidates: tally.generated,
        unscored: { ...tally.candidates.unscored },
      };
    },
  };
}

function createTally(): Tally {
  const units = new Map<string, { generated: number; candidates: CandidateCount }>();
  const candidates: CandidateCount = { planned: 0, scored: 0, unscored: {} };
  let generated = 0;
  function add(unit: string, sign: 1 | -1): void {
    const one = units.get(unit);
    if (one === undefined) return;
    generated += sign * one.generated;
    candidates.planned += sign * one.candidates.planned;
    candidates.scored += sign * one.candidates.scored;
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
