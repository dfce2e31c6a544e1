import { createActor, fromPromise } from 'xstate';
import type { Directory } from '../../shared/bus/bus.ts';
import type { Taken } from '../../shared/bus/hand.ts';
import type { Work } from '../../shared/bus/lanes.ts';
import { PermanentError } from '../../shared/contract/failure.ts';
import { isAskedByExample } from '../../shared/contract/judge-options.ts';
import type { JudgeResult, JudgeUnit } from '../../shared/contract/work.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { recordAttempt } from '../../shared/process/attempts.ts';
import type { Tls } from '../../shared/process/environment.ts';
import { outputOf } from '../../shared/process/machine.ts';
import { judgementsCounter } from '../../shared/process/metrics.ts';
import { readWhole } from '../../shared/rpc/unit.ts';
import { type Answers, createAnswers, occasionOf } from './answers.ts';
import { type Ask, askHere } from './ask.ts';
import { noCache, type VerdictCache } from './cache.ts';
import type { Engines } from './engines.ts';
import { isolate } from './isolation.ts';
import { paidBy, type Payers } from './payers.ts';
import { FundsError, pauseRun, StopError } from './stop.ts';
import { judgeMachine } from './machine.ts';
import { judgeOf } from './types/table.ts';

export interface JudgesDeps {
  peer: string;
  directory: Directory;
  cache: VerdictCache;
  engines: Engines;
  /** Without it nobody asks what a run may spend. */
  payers?: Payers;
  log: Logger;
  tls?: Tls | undefined;
}

/** A whole unit with its verdicts so far. */
interface UnitInHand {
  unit: JudgeUnit;
  answers: Answers;
  cache: VerdictCache;
}

/** How this peer works a judging unit: one machine for each unit in hand. The judge is made of the message, which carries its specification. */
export function createJudges(deps: JudgesDeps): Work {
  /** What an earlier attempt at a unit in hand has answered. */
  const begun = new WeakMap<Taken, Answers>();
  /** Runs that are being paused: what stops one lane stops them all, and one of them says so. */
  const pausing = new Map<string, Promise<void>>();

  function pause(run: string, stop: StopError, signal: AbortSignal): Promise<void> {
    const asked = pausing.get(run) ?? pauseRun(run, stop, deps, signal);
    pausing.set(run, asked);
    return asked.finally(() => pausing.delete(run));
  }

  function enginesFor(run: string): Engines {
    const payer = deps.payers?.of(run);
    return payer === undefined ? deps.engines : paidBy(payer, deps.engines);
  }

  async function open(taken: Taken, signal: AbortSignal): Promise<UnitInHand> {
    const unit = await readWhole(taken.work, deps, signal);
    if (unit.kind !== 'judge') throw new PermanentError(`${unit.unit} is no judging unit`);
    const answers = begun.get(taken) ?? (await begin(unit, enginesFor(unit.run), signal));
    begun.set(taken, answers);
    const cache = isAskedByExample(unit.judge) ? deps.cache : noCache;
    await answers.recall(cache);
    return { unit, answers, cache };
  }

  /** What an engine has answered is kept at once, for it was waited or paid for. */
  async function complete({ unit, answers, cache }: UnitInHand, ask: Ask, signal: AbortSignal) {
    const keeping: Ask = async (question, until) => {
      await answers.remember(cache);
      return ask(question, until);
    };
    try {
      if (isBatched(unit.judge, deps.engines)) await answers.completeTogether(ask, signal);
      else await answers.complete(isAskedByExample(unit.judge) ? keeping : ask, signal);
    } catch (error) {
      await answers.remember(cache);
      throw error;
    }
  }

  async function judge(inHand: UnitInHand, signal: AbortSignal): Promise<JudgeResult> {
    const { unit } = inHand;
    const judge = judgeOf(unit.judge, enginesFor(unit.run));
    await complete(inHand, askHere(judge, occasionOf(unit)), signal);
    return close(inHand);
  }

  async function close({ unit, answers, cache }: UnitInHand): Promise<JudgeResult> {
    await answers.remember(cache);
    for (const [outcome, count] of Object.entries(answers.counts()))
      judgementsCounter.inc({ judge: unit.judge.type, outcome }, count);
    return answers.toResult(deps.peer);
  }

  // Provided once: a machine that was not used before costs more than a small unit does.
  const machine = judgeMachine.provide({
    actors: {
      judge: fromPromise(async ({ input: taken, signal }) => {
        return judge(await open(taken, signal), signal);
      }),
      judgeAlone: fromPromise(async ({ input: taken, signal }) => {
        const inHand = await open(taken, signal);
        if (inHand.unit.judge['provider'] !== undefined) return judge(inHand, signal);
        const isolated = isolate(inHand.unit.judge);
        try {
          await complete(inHand, isolated.ask, signal);
        } finally {
          isolated.close();
        }
        return close(inHand);
      }),
    },
  });
  return async (taken, signal) => {
    try {
      return await outputOf(createActor(machine, { input: taken }), signal);
    } catch (error) {
      if (error instanceof StopError) await pause(taken.work.run, error, signal);
      throw error;
    }
  };
}

function isBatched({ provider }: JudgeUnit['judge'], engines: Engines): boolean {
  return typeof provider === 'string' && engines.provider(provider).isBatched === true;
}

async function begin(unit: JudgeUnit, engines: Engines, signal: AbortSignal): Promise<Answers> {
  const { run, unit: name, judge, items } = unit;
  const fingerprint = await identify(judge, engines, signal);
  recordAttempt({ role: 'judge', run, queue: judge.name, unit: name, items: items.length });
  return createAnswers(unit, fingerprint);
}

/** An engine that cannot be used as it is configured is left alone until somebody has mended that. */
async function identify(
  judge: JudgeUnit['judge'],
  engines: Engines,
  signal: AbortSignal,
): Promise<string> {
  try {
    return await judgeOf(judge, engines).fingerprint(signal);
  } catch (error) {
    if (error instanceof FundsError) throw error;
    if (!(error instanceof PermanentError) || !isAskedByExample(judge)) throw error;
    throw new StopError(`judge ${judge.name}: ${error.message}`, { cause: error });
  }
}
