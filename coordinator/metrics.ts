import type { Estimate, Fact, Scores } from '../shared/contract/facts.ts';
import { roundGauge, scoreGauge, showPhase, type Phase } from '../shared/process/metrics.ts';
import { nextOf, type Next } from './decision/next.ts';

const PHASES: Record<Next['kind'], Phase> = {
  curate: 'sampling',
  train: 'training',
  evaluate: 'evaluating',
  decide: 'deciding',
  append: 'deciding',
  paused: 'paused',
  finished: 'idle',
};

/** Shows a run's round, phase and last scores, as its journal tells them. */
export function showRun(journal: readonly Fact[]): void {
  if (journal.length === 0) return;
  const round = journal.findLast((fact) => fact.fact === 'round.opened');
  roundGauge.set(round?.fact === 'round.opened' ? round.round : 0);
  showPhase(PHASES[nextOf(journal).kind]);
  const evaluation = journal.findLast((fact) => fact.fact === 'evaluation.finished');
  if (evaluation?.fact !== 'evaluation.finished') return;
  showScores('dev', evaluation.dev);
  showScores('test', evaluation.test);
}

function showScores(split: 'dev' | 'test', scores: Scores): void {
  const show = (axis: string, data: string, estimate: Estimate | null): void => {
    if (estimate !== null) scoreGauge.set({ axis, split, data }, estimate.mean);
  };
  show('faithfulness', 'seen', scores.faithfulness.seen);
  show('faithfulness', 'unseen', scores.faithfulness.unseen);
  show('instruction', 'seen', scores.instruction);
  show('task', 'seen', scores.task);
}
