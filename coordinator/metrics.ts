import type { Estimate, Fact, Scores } from '../shared/contract/facts.ts';
import type { Drift } from '../shared/contract/health.ts';
import { isJudgedAgain } from '../shared/contract/ids.ts';
import {
  agreementGauge,
  canaryGauge,
  driftGauge,
  flipRateGauge,
  lengthCorrelationGauge,
  roundGauge,
  scoreGauge,
  showPhase,
  spreadGauge,
  swapConsistencyGauge,
  type Phase,
} from '../shared/process/metrics.ts';
import { runFileOf } from './decision/journal.ts';
import { nextOf, type Next } from './decision/next.ts';
import { swapConsistency } from './swap-consistency.ts';

const PHASES: Record<Next['kind'], Phase> = {
  curate: 'sampling',
  train: 'training',
  evaluate: 'evaluating',
  decide: 'deciding',
  release: 'deciding',
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
  showHealth(journal);
  showSwapConsistency(journal);
  const evaluation = journal.findLast(
    (fact) => fact.fact === 'evaluation.finished' && !isJudgedAgain(fact.step),
  );
  if (evaluation?.fact !== 'evaluation.finished') return;
  showScores('dev', evaluation.dev);
  showScores('test', evaluation.test);
  showDrift(journal, evaluation.drift ?? {});
}

function showDrift(journal: readonly Fact[], drift: Readonly<Record<string, Drift>>): void {
  const types = typesOf(journal);
  showWorst(
    driftGauge,
    Object.entries(drift).map(([name, { mean }]) => ({
      judge: types.get(name) ?? name,
      value: mean,
    })),
  );
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

function showSwapConsistency(journal: readonly Fact[]): void {
  const types = new Map(runFileOf(journal).judges.map(({ name, type }) => [name, type]));
  const worst = new Map<string, number>();
  for (const [name, value] of swapConsistency(journal)) {
    const judge = types.get(name) ?? name;
    worst.set(judge, Math.min(value, worst.get(judge) ?? 1));
  }
  for (const [judge, value] of worst) swapConsistencyGauge.set({ judge }, value);
}

/** The health of the judges in the last round that has one. */
function showHealth(journal: readonly Fact[]): void {
  const sealed = journal.findLast(
    (fact) => fact.fact === 'dataset.sealed' && fact.health !== undefined,
  );
  if (sealed?.fact !== 'dataset.sealed' || sealed.health === undefined) return;
  const { judges, agreement } = sealed.health;
  const types = typesOf(journal);
  const figures = Object.entries(judges).map(([name, { canaries, repeats, length }]) => ({
    judge: types.get(name) ?? name,
    canary: canaries?.highest?.value ?? null,
    flipRate: repeats?.flipRate ?? null,
    spread: repeats?.spread ?? null,
    length: length.value,
  }));
  const show = (gauge: typeof canaryGauge, key: 'canary' | 'flipRate' | 'spread' | 'length') => {
    showWorst(
      gauge,
      figures.map(({ judge, [key]: value }) => ({ judge, value })),
    );
  };
  show(canaryGauge, 'canary');
  show(flipRateGauge, 'flipRate');
  show(spreadGauge, 'spread');
  show(lengthCorrelationGauge, 'length');
  for (const [axis, { alpha }] of Object.entries(agreement))
    if (alpha.value !== null) agreementGauge.set({ axis }, alpha.value);
}

function typesOf(journal: readonly Fact[]): ReadonlyMap<string, string> {
  return new Map(runFileOf(journal).judges.map(({ name, type }) => [name, type]));
}

/** Of several judges of a type the value that is furthest from 0. */
function showWorst(
  gauge: typeof canaryGauge,
  values: readonly { readonly judge: string; readonly value: number | null }[],
): void {
  const worst = new Map<string, number>();
  for (const { judge, value } of values)
    if (value !== null && Math.abs(value) >= Math.abs(worst.get(judge) ?? 0))
      worst.set(judge, value);
  for (const [judge, value] of worst) gauge.set({ judge }, value);
}
