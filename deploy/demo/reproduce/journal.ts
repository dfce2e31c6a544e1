import type { Estimate, Fact, FactOf } from '../../../shared/contract/facts.ts';
import { stepOfRound } from '../../../shared/contract/ids.ts';

/** What a finished run has left. */
export type Journal = readonly Fact[];

/** The checkpoint that a step published. Throws where it has none. */
export function checkpointOf(journal: Journal, step: string): string {
  return factOf(journal, 'checkpoint.published', step).checkpoint;
}

/** The dataset that a step was trained on. */
export function datasetOf(journal: Journal, step: string): string {
  return factOf(journal, 'dataset.sealed', step).dataset;
}

/** The checkpoint that a round evaluated; round 0 is the start, the last of its stages. */
export function evaluatedCheckpoint(journal: Journal, round: number): string {
  return factOf(journal, 'evaluation.finished', stepOfRound(round)).checkpoint;
}

/** How many rounds were trained and decided on. */
export function roundsOf(journal: Journal): number {
  return journal.filter(({ fact }) => fact === 'decision.made').length;
}

/**
 * The round that dev chooses: the highest dev faithfulness among the start and the rounds whose instruction and task means on dev are
 * within `loss` of the start and that tripped no guardrail, the earlier one of equals. It is the rule by which a run ships its best
 * round; here it is also asked of controls, whose own gate is open.
 */
export function bestRound(journal: Journal, loss: number): number {
  const start = factOf(journal, 'evaluation.finished', stepOfRound(0)).dev;
  let best = { round: 0, faithfulness: meanOf(start.faithfulness.seen) };
  for (const fact of journal) {
    if (fact.fact !== 'decision.made' || fact.guardrails.some(({ tripped }) => tripped)) continue;
    const { dev } = factOf(journal, 'evaluation.finished', fact.step);
    const holds = (['instruction', 'task'] as const).every(
      (axis) => start[axis] === null || meanOf(dev[axis]) >= meanOf(start[axis]) - loss,
    );
    const faithfulness = meanOf(dev.faithfulness.seen);
    if (holds && faithfulness > best.faithfulness) best = { round: fact.round, faithfulness };
  }
  return best.round;
}

function meanOf(estimate: Estimate | null): number {
  return estimate?.mean ?? Number.NEGATIVE_INFINITY;
}

type StepFact = Extract<Fact, { step: string }>['fact'];

function factOf<TName extends StepFact>(journal: Journal, name: TName, step: string) {
  const found = journal.find(
    (fact): fact is FactOf<TName> => fact.fact === name && 'step' in fact && fact.step === step,
  );
  if (found === undefined) throw new Error(`the journal has no ${name} of step ${step}`);
  return found;
}
