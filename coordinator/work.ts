import type { Fact, FactOf } from '../shared/contract/facts.ts';
import {
  CurateOutcome,
  EvaluateOutcome,
  StepProgress,
  TrainOutcome,
  TrainProgress,
  type TrainRequest,
} from '../shared/contract/steps.ts';
import { pauseOfBudget, pauseOfDollars } from './decision/budget.ts';
import { decide } from './decision/decide.ts';
import { evaluationOf } from './decision/epochs.ts';
import { runFileOf } from './decision/journal.ts';
import { finishing } from './decision/next.ts';
import type { Work } from './machine.ts';
import { outcomeOf } from './outcome.ts';
import type { Peers } from './peers.ts';

export type Progress = StepProgress | TrainProgress;

export interface WorkDeps {
  peers: Peers;
  /** Live progress of the step in hand, for watchers. */
  report: (run: string, progress: Progress) => void;
}

interface WorkInput {
  run: string;
  journal: readonly Fact[];
  work: Work;
}

/** Has a step done by whoever can do it, and returns the fact that it ended with. Every step may be repeated. */
export async function workOn(
  deps: WorkDeps,
  { run, journal, work }: WorkInput,
  signal: AbortSignal,
): Promise<Fact> {
  switch (work.kind) {
    case 'append':
      return work.fact;
    case 'release':
      return release(deps, journal, work.fact, signal);
    case 'curate':
      return curate(deps, run, journal, work, signal);
    case 'train':
      return train(deps, journal, work.request, signal);
    case 'evaluate':
      return evaluate(deps, run, journal, work, signal);
    case 'decide':
      return decideRound(deps, run, journal, work, signal);
  }
}

async function curate(
  { peers, report }: WorkDeps,
  run: string,
  journal: readonly Fact[],
  { step, attempt }: Extract<Work, { kind: 'curate' }>,
  signal: AbortSignal,
): Promise<Fact> {
  const spent = pauseOfDollars(journal, undefined);
  if (spent !== undefined) return spent;
  const curator = await peers.curator(run);
  await curator.startCurate(step, attempt, signal);
  const answer = await outcomeOf(
    curator.watch(step, 'curate', signal),
    StepProgress,
    CurateOutcome,
    (progress) => {
      report(run, progress);
      return pauseOfDollars(journal, progress);
    },
  );
  if ('fact' in answer) return answer;
  switch (answer.outcome) {
    case 'sealed': {
      const { outcome: _, ...sealed } = answer;
      return { fact: 'dataset.sealed', step, ...sealed };
    }
    case 'short':
      return { fact: 'run.paused', reason: answer.reason, counts: answer.unscored };
    case 'distrusted':
      return { fact: 'run.paused', reason: answer.reason };
    case 'empty':
      return finishing(journal, 'data', answer.reason);
  }
}

async function evaluate(
  { peers, report }: WorkDeps,
  run: string,
  journal: readonly Fact[],
  { step, checkpoint, attempt }: Extract<Work, { kind: 'evaluate' }>,
  signal: AbortSignal,
): Promise<Fact> {
  const spent = pauseOfDollars(journal, undefined);
  if (spent !== undefined) return spent;
  const curator = await peers.curator(run);
  await curator.startEvaluate(step, checkpoint, attempt, signal);
  const answer = await outcomeOf(
    curator.watch(step, 'evaluate', signal),
    StepProgress,
    EvaluateOutcome,
    (progress) => {
      report(run, progress);
      return pauseOfDollars(journal, progress);
    },
  );
  if ('fact' in answer) return answer;
  switch (answer.outcome) {
    case 'evaluated': {
      const { outcome: _, ...scores } = answer;
      return { fact: 'evaluation.finished', step, checkpoint, ...scores };
    }
    case 'short':
      return { fact: 'run.paused', reason: answer.reason, counts: answer.unscored };
    case 'distrusted':
      return { fact: 'run.paused', reason: answer.reason };
    case 'drifted':
      return { fact: 'run.paused', reason: answer.reason, drift: answer.judges };
  }
}

async function train(
  { peers, report }: WorkDeps,
  journal: readonly Fact[],
  request: TrainRequest,
  signal: AbortSignal,
): Promise<Fact> {
  const trainer = await peers.trainer(request.backend);
  const pause = pauseOfBudget(journal, await trainer.spent(request.run, signal));
  if (pause !== undefined) return pause;
  await trainer.start(request, signal);
  const answer = await outcomeOf<TrainProgress, TrainOutcome, never>(
    trainer.watch(request.run, request.step, signal),
    TrainProgress,
    TrainOutcome,
    (progress) => {
      report(request.run, progress);
      return undefined;
    },
  );
  if (answer.outcome === 'failed') {
    return {
      fact: 'run.paused',
      reason: `training of ${request.step} failed (${answer.kind}): ${answer.reason}`,
    };
  }
  const { outcome: _, ...published } = answer;
  return {
    fact: 'checkpoint.published',
    step: request.step,
    ...published,
    dataset: request.dataset,
  };
}

/** The trainer has removed them before the journal says so: killed in between, it is told again. */
async function release(
  { peers }: WorkDeps,
  journal: readonly Fact[],
  fact: FactOf<'checkpoints.released'>,
  signal: AbortSignal,
): Promise<Fact> {
  const { run, training } = runFileOf(journal);
  const trainer = await peers.trainer(training.backend);
  await trainer.release(run, fact, signal);
  return fact;
}

async function decideRound(
  { peers }: WorkDeps,
  run: string,
  journal: readonly Fact[],
  work: Extract<Work, { kind: 'decide' }>,
  signal: AbortSignal,
): Promise<Fact> {
  const curator = await peers.curator(run);
  const valuesOf = (step: string): ReturnType<typeof curator.evaluation> =>
    curator.evaluation(evaluationOf(journal, step).step, signal);
  const before = await valuesOf(work.incumbentStep);
  const after = await valuesOf(work.step);
  return decide(journal, work, { before, after });
}
