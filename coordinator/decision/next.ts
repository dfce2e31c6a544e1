import type { Fact, FactOf } from '../../shared/contract/facts.ts';
import { PermanentError } from '../../shared/contract/failure.ts';
import { stepOfRound } from '../../shared/contract/ids.ts';
import type { RunFile } from '../../shared/contract/run-file.ts';
import type { TrainRequest } from '../../shared/contract/steps.ts';
import { bestRound } from './best.ts';
import { areOfOneEpoch, judgeAgain } from './epochs.ts';
import {
  attemptOf,
  find,
  findLast,
  incumbentOf,
  runFileOf,
  startCheckpoint,
  startSteps,
} from './journal.ts';
import { releasable } from './retention.ts';

/** The one thing to do next, as a function of the journal alone (design §7). */
export type Next =
  | { kind: 'curate'; step: string; attempt: number }
  | { kind: 'train'; request: TrainRequest }
  | { kind: 'evaluate'; step: string; checkpoint: string; attempt: number }
  | { kind: 'decide'; step: string; round: number; incumbentStep: string; withoutPromotion: number }
  | { kind: 'release'; fact: FactOf<'checkpoints.released'> }
  | { kind: 'append'; fact: Fact }
  | { kind: 'paused'; reason: string }
  | { kind: 'finished'; fact: FactOf<'run.finished'> };

type Journal = readonly Fact[];

/**
 * What a run needs next. The same journal gives the same answer to every coordinator, at every restart.
 * Throws PermanentError where the journal does not begin with `run.opened`.
 */
export function nextOf(journal: Journal): Next {
  const finished = findLast(journal, 'run.finished');
  if (finished !== undefined) return { kind: 'finished', fact: finished };
  const paused = pauseInForce(journal);
  if (paused !== undefined) return { kind: 'paused', reason: paused.reason };
  return nextOfStart(journal) ?? nextOfRounds(journal);
}

function nextOfStart(journal: Journal): Next | undefined {
  const file = runFileOf(journal);
  const steps = startSteps(file);
  for (const [index, step] of steps.entries()) {
    if (find(journal, 'checkpoint.published', step) !== undefined) continue;
    const stage = file.start[index];
    if (stage === undefined || stage.checkpoint !== undefined) {
      const given = stage?.checkpoint ?? file.model.base;
      return { kind: 'train', request: trainRequest(journal, step, null, baseOf(file, given), {}) };
    }
    const sealed = find(journal, 'dataset.sealed', step);
    if (sealed === undefined) return { kind: 'curate', step, attempt: attemptOf(journal) };
    const parent =
      index === 0 ? undefined : find(journal, 'checkpoint.published', `start-${index - 1}`);
    const from =
      parent === undefined
        ? baseOf(file, file.model.base)
        : ({ kind: 'checkpoint', checkpoint: parent.checkpoint } as const);
    return {
      kind: 'train',
      request: trainRequest(journal, step, sealed, from, stage.training),
    };
  }
  const checkpoint = startCheckpoint(journal);
  if (
    checkpoint === undefined ||
    find(journal, 'evaluation.finished', stepOfRound(0)) !== undefined
  )
    return undefined;
  return { kind: 'evaluate', step: stepOfRound(0), checkpoint, attempt: attemptOf(journal) };
}

function nextOfRounds(journal: Journal): Next {
  const opened = findLast(journal, 'round.opened');
  if (opened === undefined) return nextRound(journal, 1);
  const { step, round } = opened;
  const decision = find(journal, 'decision.made', step);
  if (decision !== undefined) return afterDecision(journal, decision);
  const attempt = attemptOf(journal);
  const sealed = find(journal, 'dataset.sealed', step);
  if (sealed === undefined) return { kind: 'curate', step, attempt };
  const published = find(journal, 'checkpoint.published', step);
  if (published === undefined) {
    return {
      kind: 'train',
      request: trainRequest(
        journal,
        step,
        sealed,
        { kind: 'checkpoint', checkpoint: trainedFrom(journal, opened) },
        {},
      ),
    };
  }
  if (find(journal, 'evaluation.finished', step) === undefined)
    return { kind: 'evaluate', step, checkpoint: published.checkpoint, attempt };
  const incumbentStep = incumbentOf(journal)?.step ?? stepOfRound(0);
  const again = judgeAgain(journal, { step, incumbentStep });
  if (again !== undefined)
    return 'fact' in again
      ? { kind: 'append', fact: again }
      : { kind: 'evaluate', ...again, attempt };
  const last = findLast(journal, 'decision.made');
  const counts = last !== undefined && areOfOneEpoch(journal, last.step, step);
  return {
    kind: 'decide',
    step,
    round,
    incumbentStep,
    withoutPromotion: counts ? last.withoutPromotion : 0,
  };
}

function afterDecision(journal: Journal, decision: FactOf<'decision.made'>): Next {
  const { step, round } = decision;
  const checkpoints = releasable(journal);
  if (checkpoints.length > 0)
    return { kind: 'release', fact: { fact: 'checkpoints.released', step, round, checkpoints } };
  const { patience } = runFileOf(journal).rounds;
  if (decision.decision === 'stop')
    return { kind: 'append', fact: finishing(journal, 'guardrail', decision.reason) };
  if (decision.withoutPromotion >= patience) {
    return {
      kind: 'append',
      fact: finishing(
        journal,
        'converged',
        `${decision.withoutPromotion} rounds in a row without promotion (rounds.patience ${patience})`,
      ),
    };
  }
  return nextRound(journal, decision.round + 1);
}

/** Opens a round, or ends the run where `rounds.max` are done. */
function nextRound(journal: Journal, round: number): Next {
  const { max } = runFileOf(journal).rounds;
  if (round > max)
    return {
      kind: 'append',
      fact: finishing(journal, 'rounds', `all ${max} rounds of rounds.max are done`),
    };
  const incumbent = incumbentOf(journal);
  if (incumbent === undefined)
    throw new PermanentError(
      'no starting checkpoint in the journal: restore the ledger from a backup',
    );
  return {
    kind: 'append',
    fact: {
      fact: 'round.opened',
      step: stepOfRound(round),
      round,
      incumbent: incumbent.checkpoint,
    },
  };
}

/** The last fact of a run, with its best round so far. */
export function finishing(
  journal: Journal,
  stopped: FactOf<'run.finished'>['stopped'],
  reason: string,
): FactOf<'run.finished'> {
  return { fact: 'run.finished', stopped, reason, best: bestRound(journal) };
}

/** The checkpoint that a round's training starts from (`rounds.trainFrom`); what it samples is the incumbent whatever that says. */
function trainedFrom(journal: Journal, { incumbent }: FactOf<'round.opened'>): string {
  const { rounds, start } = runFileOf(journal);
  if (rounds.trainFrom === 'previous') return incumbent;
  const stage = start.findIndex(({ name }) => name === rounds.trainFrom);
  const step = stage < 0 ? startSteps(runFileOf(journal)).at(-1) : `start-${stage}`;
  const published = find(journal, 'checkpoint.published', step ?? '');
  if (published !== undefined) return published.checkpoint;
  throw new PermanentError(
    `the journal has no checkpoint of ${rounds.trainFrom}: restore the ledger from a backup`,
  );
}

function baseOf({ model }: RunFile, base: string): TrainRequest['from'] {
  return base === 'scratch'
    ? { kind: 'scratch', config: model.config ?? {} }
    : { kind: 'folder', path: base };
}

function trainRequest(
  journal: Journal,
  step: string,
  sealed: FactOf<'dataset.sealed'> | null,
  from: TrainRequest['from'],
  overrides: RunFile['start'][number]['training'],
): TrainRequest {
  const { run, seed, training, model } = runFileOf(journal);
  const { backend } = training;
  const options = overrides.options ?? training.options;
  const pace =
    overrides.steps === undefined && overrides.epochs === undefined ? training : overrides;
  return {
    run,
    step,
    seed,
    backend,
    from,
    dataset: sealed?.dataset ?? null,
    dev: sealed?.dev ?? null,
    anchor: anchorOf(journal, step, sealed),
    attempt: attemptOf(journal),
    training: {
      ...(pace.steps === undefined ? { epochs: pace.epochs ?? 1 } : { steps: pace.steps }),
      batchSize: overrides.batchSize ?? training.batchSize,
      learningRate: overrides.learningRate ?? training.learningRate,
      schedule: overrides.schedule ?? training.schedule,
      warmupRatio: overrides.warmupRatio ?? training.warmupRatio,
      weightDecay: overrides.weightDecay ?? training.weightDecay,
      saveEverySteps: overrides.saveEverySteps ?? training.saveEverySteps,
      pick: overrides.pick ?? training.pick,
      ...(options === undefined ? {} : { options }),
    },
    probe: PROBE_PROMPTS,
    ...(model.chat === undefined ? {} : { chat: model.chat }),
  };
}

/** A round is compared with the start where a guardrail asks for it and there are references to compare on. */
function anchorOf(
  journal: Journal,
  step: string,
  sealed: FactOf<'dataset.sealed'> | null,
): string | null {
  const { guardrails } = runFileOf(journal).rounds;
  const isCompared = !step.startsWith('start-') && guardrails.kl !== null;
  return isCompared && sealed?.dev !== undefined ? (startCheckpoint(journal) ?? null) : null;
}

/** Greedy answers to these identify a checkpoint on a model server; any text will do, as long as it never changes. */
const PROBE_PROMPTS = [
  'The',
  'Question: who?',
  'what is the city of',
  'A B C',
  'Say yes.',
  '1 2 3',
  'In the beginning',
  'Answer:',
];

function pauseInForce(journal: Journal): FactOf<'run.paused'> | undefined {
  const last = journal.findLast(
    (fact) => fact.fact === 'run.paused' || fact.fact === 'run.resumed',
  );
  return last?.fact === 'run.paused' ? last : undefined;
}
