import { UNITS_IN_HAND } from '../../../agents/sampler/actors.ts';
import type { RunFile } from '../../../shared/contract/run-file.ts';
import type { Result } from '../../../shared/contract/work.ts';
import type { Blow } from '../../support/drill/evidence.ts';
import type { Seen } from '../../support/drill/wire-tap.ts';
import type { Evidence } from './evidence.ts';
import { finder, type Violation } from './violation.ts';

/** Units that one peer has in hand at most of each queue that it serves (shared/bus/lanes.ts). */
const LANES = { sampler: UNITS_IN_HAND.lanes, judge: 2 };
const SAMPLERS = 1;
const JUDGES = 2;

/**
 * I5: repeated executions are at most the units in flight at the crashes, and those of the window where the broker was emptied. No unit is
 * offered once it was answered in full. `crashes` replaces what the drill recorded: so many crashes of everything.
 */
export function checkRepetition(evidence: Evidence, crashes?: number): Violation[] {
  const { found, expect } = finder('I5');
  for (const { name, record } of evidence.runs) {
    const executions = evidence.attempts.filter(({ run }) => run === name);
    const units = new Set(executions.map(({ queue, unit }) => `${queue}/${unit}`));
    const extra = executions.length - units.size;
    const everywhere = inFlight({ blow: 'killed', target: 'all' }, record.file);
    const struck = evidence.blows.reduce((sum, blow) => sum + inFlight(blow, record.file), 0);
    const allowed =
      (crashes === undefined ? struck : crashes * everywhere) + lostWindow(name, evidence.seen);
    expect(
      extra <= allowed,
      () =>
        `${name}: ${extra} executions of ${executions.length} were repeated, and at most ${allowed} units can have been in flight`,
    );
  }
  found.push(...checkOffers(evidence.seen));
  return found;
}

/** How many units the target can have had in hand. A pause longer than the ack wait is as good as a death. */
function inFlight({ blow, target }: Blow, { judges }: RunFile): number {
  if (blow === 'wiped') return 0;
  const [sampler, judge] = [LANES.sampler, LANES.judge * judges.length];
  if (target.startsWith('sampler')) return sampler;
  if (target.startsWith('judge')) return judge;
  if (target === 'all' || target === 'nats-server') return SAMPLERS * sampler + JUDGES * judge;
  // What the children of a dead supervisor have in hand they finish, unless the bus goes first.
  if (target === 'supervisor') return SAMPLERS * sampler + JUDGES * judge;
  return 0;
}

/** Units that were on the bus, or answered and unread, when its store was emptied: those offered before and again after. */
function lostWindow(name: string, seen: readonly Seen[]): number {
  const wiped = seen.findLastIndex((one) => one.seen === 'wipe');
  const offered = (some: readonly Seen[]): Set<string> =>
    new Set(
      some.flatMap((one) =>
        one.seen === 'offer' && one.run === name ? [`${one.queue}/${one.unit}`] : [],
      ),
    );
  if (wiped < 0) return 0;
  const before = offered(seen.slice(0, wiped));
  return [...offered(seen.slice(wiped))].filter((unit) => before.has(unit)).length;
}

function checkOffers(seen: readonly Seen[]): Violation[] {
  const { found, expect } = finder('I5');
  let answered = new Set<string>();
  let isStarved = false;
  for (const one of seen) {
    if (one.seen === 'wipe') answered = new Set();
    if (one.seen === 'starved' || one.seen === 'gap') isStarved = one.seen === 'starved';
    if (one.seen === 'answer' && isFinal(one.result) && !isStarved) {
      const { run, unit } = one.result;
      answered.add(`${run}/${one.result.kind === 'sample' ? 'sample' : one.result.judge}/${unit}`);
    }
    if (one.seen !== 'offer') continue;
    const { run, queue, unit } = one;
    expect(
      !answered.has(`${run}/${queue}/${unit}`),
      () =>
        `${run}: unit ${unit} of queue ${queue} was offered over an answer that the bus held unread`,
    );
  }
  return found;
}

function isFinal(result: Result): boolean {
  return result.kind === 'sample'
    ? result.items.every(({ generations }) =>
        generations.every(({ outcome }) => outcome === 'generated'),
      )
    : result.items.every(({ verdicts }) =>
        verdicts.every(({ answer }) => answer.outcome === 'scored'),
      );
}
