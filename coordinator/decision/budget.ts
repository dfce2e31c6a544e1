/** What a run may use before it pauses (design §6.10). Each resume after such a pause grants the whole budget once more. */
import type { Fact, FactOf } from '../../shared/contract/facts.ts';
import { addUsd } from '../../shared/contract/judging.ts';
import type { StepProgress } from '../../shared/contract/steps.ts';
import { dollars } from '../dollars.ts';
import { runFileOf } from './next.ts';

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
  const usd = runFileOf(journal).budget?.usd;
  if (usd === undefined || progress?.phase === 'sealing' || progress?.phase === 'done')
    return undefined;
  const spent = addUsd(spentOn(journal), progress?.usd ?? 0);
  const granted = addUsd(grantsOf(journal, 'usd') * usd, 0);
  if (spent < granted) return undefined;
  return {
    fact: 'run.paused',
    reason: `budget.usd: ${dollars(spent)} of ${dollars(granted)} are spent; resume grants as much again`,
    budget: 'usd',
  };
}

/** US dollars that the judges of all finished steps have cost. */
export function spentOn(journal: readonly Fact[]): number {
  return journal
    .flatMap((fact) => ('judges' in fact ? Object.values(fact.judges) : []))
    .reduce((sum, { usd }) => addUsd(sum, usd), 0);
}

/** The budget of the run file, and as much again for each resume after a pause that it caused. */
function grantsOf(journal: readonly Fact[], budget: 'gpuHours' | 'usd'): number {
  const resumes = journal.filter((fact, at) => {
    const before = journal[at - 1];
    return fact.fact === 'run.resumed' && before?.fact === 'run.paused' && before.budget === budget;
  });
  return 1 + resumes.length;
}
