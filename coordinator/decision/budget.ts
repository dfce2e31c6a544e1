import type { Fact, FactOf } from '../../shared/contract/facts.ts';
import { runFileOf } from './next.ts';

/**
 * The pause that a used-up budget asks for before a training begins (design §6.10); undefined while there is some left. Each resume after
 * such a pause grants the whole budget once more. A training that has begun goes on to its end.
 *
 * @param gpuSeconds what the run's ended trainings have used
 */
export function pauseOfBudget(
  journal: readonly Fact[],
  gpuSeconds: number,
): FactOf<'run.paused'> | undefined {
  const { budget } = runFileOf(journal);
  if (budget === undefined) return undefined;
  const { gpuHours } = budget;
  const granted = 1 + journal.filter(isGrant).length;
  if (gpuSeconds < granted * gpuHours * 3600) return undefined;
  const used = granted === 1 ? `${gpuHours}` : `${granted} times ${gpuHours}`;
  return {
    fact: 'run.paused',
    reason: `budget: ${used} GPU-hours are used up (budget.gpuHours); resume grants ${gpuHours} more`,
    budget: 'gpuHours',
  };
}

function isGrant(fact: Fact, at: number, journal: readonly Fact[]): boolean {
  const before = journal[at - 1];
  return (
    fact.fact === 'run.resumed' && before?.fact === 'run.paused' && before.budget === 'gpuHours'
  );
}
