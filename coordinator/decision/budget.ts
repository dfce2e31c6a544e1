/** What a run may use before it pauses (design §6.10). Each resume after such a pause grants the whole budget once more. */
import { type Funds, fundsOf, grantsOf, resumesOf } from '../../shared/contract/budget.ts';
import type { Fact, FactOf } from '../../shared/contract/facts.ts';
import type { StepProgress } from '../../shared/contract/steps.ts';
import { dollars } from '../dollars.ts';
import { runFileOf } from './journal.ts';

/**
 * The pause that a used-up budget of GPU-hours asks for before a training begins; undefined while there is some left. A training that has
 * begun goes on to its end.
 *
 * @param gpuSeconds what the run's ended trainings have used
 */
export function pauseOfBudget(
  journal: readonly Fact[],
  gpuSeconds: number,
): FactOf<'run.paused'> | undefined {
  const gpuHours = runFileOf(journal).budget?.gpuHours;
  if (gpuHours === undefined) return undefined;
  const granted = grantsOf(journal, 'gpuHours');
  if (gpuSeconds < granted * gpuHours * 3600) return undefined;
  const used = granted === 1 ? `${gpuHours}` : `${granted} times ${gpuHours}`;
  return {
    fact: 'run.paused',
    reason: `budget: ${used} GPU-hours are used up (budget.gpuHours); resume grants ${gpuHours} more`,
    budget: 'gpuHours',
  };
}

/**
 * The pause that a spent budget of dollars asks for, before a step that judges and within it; undefined while there is some left, and where
 * the step has everything that it pays for.
 *
 * @param progress of the step in hand, which is in no fact yet; undefined before it begins
 */
export function pauseOfDollars(
  journal: readonly Fact[],
  progress: Pick<StepProgress, 'phase' | 'usd'> | undefined,
): FactOf<'run.paused'> | undefined {
  if (progress?.phase === 'sealing' || progress?.phase === 'done') return undefined;
  const funds = fundsOf(journal, progress?.usd ?? 0);
  const gone = funds.find(({ spent, granted }) => spent >= granted);
  return gone === undefined ? undefined : pauseFor(gone, 'are spent');
}

/** What a judge found that could not pay for its next call, and how often the run had been resumed then. */
export interface EmptyPurse extends Funds {
  readonly resumes: number;
}

/** The pause that a judge asks for; undefined where the run was resumed since, which has granted more. */
export function pauseOfPurse(
  journal: readonly Fact[],
  { resumes, ...funds }: EmptyPurse,
): FactOf<'run.paused'> | undefined {
  if (resumesOf(journal) !== resumes) return undefined;
  return pauseFor(
    funds,
    'are spent or set aside for calls in hand, the rest is too little for one',
  );
}

function pauseFor({ budget, spent, granted }: Funds, gone: string): FactOf<'run.paused'> {
  return {
    fact: 'run.paused',
    reason: `budget.${budget}: ${dollars(spent)} of ${dollars(granted)} ${gone}; resume grants as much again`,
    budget,
  };
}
