import type { Fact, FactOf } from '../../shared/contract/facts.ts';
import { stepOfRound } from '../../shared/contract/ids.ts';

/**
 * The round to ship: the highest dev faithfulness among the start and the promoted rounds whose instruction and task means on dev
 * are within `gate.loss` of the start. Ties go to the earlier round. Null before the start was evaluated.
 */
export function bestRound(journal: readonly Fact[]): FactOf<'run.finished'>['best'] {
  const start = journal.find((fact) => isEvaluation(fact, stepOfRound(0)));
  const opened = journal[0];
  if (start?.fact !== 'evaluation.finished' || opened?.fact !== 'run.opened') return null;
  const { loss } = opened.file.rounds.gate;
  let best = { round: 0, checkpoint: start.checkpoint, faithfulness: faithfulnessOf(start) };
  for (const decision of journal) {
    if (decision.fact !== 'decision.made' || decision.decision !== 'promote') continue;
    const evaluation = journal.find((fact) => isEvaluation(fact, decision.step));
    if (evaluation?.fact !== 'evaluation.finished') continue;
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

function isEvaluation(fact: Fact, step: string): boolean {
  return fact.fact === 'evaluation.finished' && fact.step === step;
}

function faithfulnessOf(evaluation: FactOf<'evaluation.finished'>): number {
  return evaluation.dev.faithfulness.seen?.mean ?? Number.NEGATIVE_INFINITY;
}
