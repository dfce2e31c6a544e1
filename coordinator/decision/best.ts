import { changedJudges, evaluationsIn, lastOf } from '../../shared/contract/epochs.ts';
import type { Fact, FactOf } from '../../shared/contract/facts.ts';
import { stepOfRound } from '../../shared/contract/ids.ts';
import { releasedIn } from '../../shared/contract/released.ts';

/**
 * The round to ship: the highest dev faithfulness among the start and all decided rounds whose instruction and task means on dev are within
 * `gate.loss` of the start. A round need not have been promoted: the gate asks whether it surely beats its incumbent, and a round that
 * gained again by too little to be sure of is still the better guess. One that tripped a guardrail never ships, for its scores are what the
 * guardrail doubts. Ties go to the earlier round. Of rounds that were judged in other score epochs than the last decided one, none of whose values
 * can be compared with it, only those count whose answers were judged again. What the run has released is not there to ship. Null before the start was evaluated.
 */
export function bestRound(journal: readonly Fact[]): FactOf<'run.finished'>['best'] {
  const decided = journal.findLastIndex(({ fact }) => fact === 'decision.made');
  const evaluations = evaluationsIn(decided < 0 ? journal : journal.slice(0, decided));
  const present = evaluations.at(-1);
  const evaluationOf = (step: string): FactOf<'evaluation.finished'> | undefined => {
    const last = lastOf(evaluations, step);
    return last === undefined || present === undefined || changedJudges(last, present).length > 0
      ? undefined
      : last.evaluation;
  };
  const start = decided < 0 ? evaluations[0]?.evaluation : evaluationOf(stepOfRound(0));
  const opened = journal[0];
  if (start === undefined || opened?.fact !== 'run.opened') return null;
  const { loss } = opened.file.rounds.gate;
  const released = releasedIn(journal);
  let best = { round: 0, checkpoint: start.checkpoint, faithfulness: faithfulnessOf(start) };
  for (const decision of journal) {
    if (decision.fact !== 'decision.made') continue;
    const evaluation = evaluationOf(decision.step);
    if (evaluation === undefined || decision.guardrails.some(({ tripped }) => tripped)) continue;
    if (released.has(evaluation.checkpoint)) continue;
    const faithfulness = faithfulnessOf(evaluation);
    const holds = (['instruction', 'task'] as const).every((axis) => {
      const [now, then] = [evaluation.dev[axis], start.dev[axis]];
      return now === null || then === null ? now === then : now.mean >= then.mean - loss;
    });
    if (holds && faithfulness > best.faithfulness)
      best = { round: decision.round, checkpoint: evaluation.checkpoint, faithfulness };
  }
  return { round: best.round, checkpoint: best.checkpoint };
}

function faithfulnessOf(evaluation: FactOf<'evaluation.finished'>): number {
  return evaluation.dev.faithfulness.seen?.mean ?? Number.NEGATIVE_INFINITY;
}
