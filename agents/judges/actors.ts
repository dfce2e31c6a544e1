import { createActor, fromPromise } from 'xstate';
import type { Directory } from '../../shared/bus/bus.ts';
import type { Work } from '../../shared/bus/lanes.ts';
import { PermanentError } from '../../shared/contract/failure.ts';
import type { JudgeUnit } from '../../shared/contract/work.ts';
import { recordAttempt } from '../../shared/process/attempts.ts';
import type { Tls } from '../../shared/process/environment.ts';
import { filled, outputOf } from '../../shared/process/machine.ts';
import { judgementsCounter } from '../../shared/process/metrics.ts';
import { readWhole } from '../../shared/rpc/unit.ts';
import { createAnswers, type Answers } from './answers.ts';
import { askHere } from './ask.ts';
import type { VerdictCache } from './cache.ts';
import { isolate } from './isolation.ts';
import { judgeMachine } from './machine.ts';
import { judgeOf } from './types/table.ts';

export interface JudgesDeps {
  peer: string;
  directory: Directory;
  cache: VerdictCache;
  tls?: Tls | undefined;
}

/** How this peer works a judging unit: one machine for each unit in hand. The judge is made of the message, which carries its specification. */
export function createJudges(deps: JudgesDeps): Work {
  /** What an earlier attempt at a unit in hand has answered. */
  const inHand = new WeakMap<object, Answers>();

  return async (taken, signal) => {
    let answers = inHand.get(taken);
    const begin = (unit: JudgeUnit): void => {
      if (answers !== undefined) return;
      const { run, unit: name, judge, items } = unit;
      answers = createAnswers(unit, judgeOf(judge).fingerprint);
      inHand.set(taken, answers);
      recordAttempt({ role: 'judge', run, queue: judge.name, unit: name, items: items.length });
    };
    const machine = judgeMachine.provide({
      actors: {
        read: fromPromise(async ({ input, signal }) => {
          const unit = await readWhole(input, deps, signal);
          if (unit.kind !== 'judge') throw new PermanentError(`${unit.unit} is no judging unit`);
          begin(unit);
          return unit;
        }),
        recall: fromPromise(() => filled(answers, 'answers').recall(deps.cache)),
        judge: fromPromise(({ input: { judge }, signal }) =>
          filled(answers, 'answers').complete(askHere(judgeOf(judge)), signal),
        ),
        judgeAlone: fromPromise(async ({ input: { judge }, signal }) => {
          const isolated = isolate(judge);
          try {
            await filled(answers, 'answers').complete(isolated.ask, signal);
          } finally {
            isolated.close();
          }
        }),
        remember: fromPromise(async ({ input: { judge } }) => {
          const counts = await filled(answers, 'answers').remember(deps.cache);
          for (const [outcome, count] of Object.entries(counts))
            judgementsCounter.inc({ judge: judge.type, outcome }, count);
          return filled(answers, 'answers').toResult(deps.peer);
        }),
      },
    });
    return outputOf(createActor(machine, { input: { ...taken } }), signal);
  };
}
