import type { DrillCluster } from './cluster.ts';
import { evidenceFolder, filesIn, readLines } from './evidence.ts';
import { processesOf } from './processes-of.ts';
import type { Seen } from './wire-tap.ts';
import { z } from 'zod';

const Attempted = z.object({ queue: z.string(), unit: z.string() });

/**
 * What is being worked on now: `sample/r1-train-s0003` and `span/r1-train-s0003` are units begun and not answered, `training r1` is a
 * training program that runs, `sealing r1` and `deciding r1` are steps whose last answer is in and whose fact is not.
 */
export function inHand({ state, seen }: DrillCluster): string[] {
  const { fact, offered, answered } = sinceLastFact(seen);
  if (fact?.fact === 'dataset.sealed') {
    const program = processesOf(state).some(({ command }) =>
      command.includes(`/${fact.step}/spec.json`),
    );
    return program ? [`training ${fact.step}`] : [];
  }
  if (fact?.fact === 'evaluation.finished' && fact.step !== 'r0') return [`deciding ${fact.step}`];
  if (fact?.fact === 'round.opened' && judged(offered, answered)) return [`sealing ${fact.step}`];
  return begun(state).filter((work) => offered.has(work) && !answered.has(work));
}

/** The newest fact, and the units offered and answered since; curators that start again announce old facts again. */
function sinceLastFact(seen: readonly Seen[]) {
  let newest: Extract<Seen, { seen: 'fact' }> | undefined;
  const offered = new Set<string>();
  const answered = new Set<string>();
  for (const one of seen) {
    if (one.seen === 'offer') offered.add(`${one.queue}/${one.unit}`);
    if (one.seen === 'answer') answered.add(workOf(one.result));
    if (one.seen !== 'fact' || one.position <= (newest?.position ?? -1)) continue;
    newest = one;
    offered.clear();
    answered.clear();
  }
  return { fact: newest?.fact, offered, answered };
}

function workOf(result: Extract<Seen, { seen: 'answer' }>['result']): string {
  return `${result.kind === 'sample' ? 'sample' : result.judge}/${result.unit}`;
}

/** Whether all that was sampled was judged too. */
function judged(offered: ReadonlySet<string>, answered: ReadonlySet<string>): boolean {
  const unitsOf = (queue: RegExp): Set<string | undefined> =>
    new Set([...answered].filter((work) => queue.test(work)).map((work) => work.split('/')[1]));
  const all = offered.size > 0 && [...offered].every((work) => answered.has(work));
  return all && unitsOf(/^(?!sample)/).size === unitsOf(/^sample/).size;
}

function begun(state: string): string[] {
  const { attempts } = evidenceFolder(state);
  const lines = filesIn(attempts).flatMap((name) => readLines(`${attempts}/${name}`, Attempted));
  return [...new Set(lines.map(({ queue, unit }) => `${queue}/${unit}`))];
}
