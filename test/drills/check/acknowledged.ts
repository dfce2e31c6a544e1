import { RESULT_STREAM, WORK_STREAM } from '../../../shared/contract/subjects.ts';
import { canonicalJson, sliceOf } from '../../../shared/contract/ids.ts';
import type { Result } from '../../../shared/contract/work.ts';
import type { Seen } from '../../support/drill/wire-tap.ts';
import { type Evidence, factsOf, type RunEvidence } from './evidence.ts';
import { finder, type Violation } from './violation.ts';

/**
 * I3: what was acknowledged is durable and unchanged, by the list that the drill kept itself. A fact that was announced stands in the
 * journal at its place. An answer that was stored is in the ledger, and the first final outcome of an item is the one that counts. A
 * unit of work is acked by who has answered it.
 */
export function checkAcknowledged(evidence: Evidence): Violation[] {
  return [
    ...evidence.runs.flatMap((run) => [
      ...checkJournal(run),
      ...checkFacts(run, evidence.seen),
      ...checkAnswers(run, evidence.seen),
    ]),
    ...checkAcks(evidence.seen),
  ];
}

function checkJournal(run: RunEvidence): Violation[] {
  const { found, expect } = finder('I3');
  const whole = factsOf(run).length;
  expect(
    whole === run.journal.size,
    () =>
      `${run.name}: the journal has ${run.journal.size} facts, but position ${whole} is missing`,
  );
  expect(
    run.journal.get(0)?.fact === 'run.opened',
    () => `${run.name}: the journal does not begin with run.opened`,
  );
  return found;
}

function checkFacts(run: RunEvidence, seen: readonly Seen[]): Violation[] {
  const { found, expect } = finder('I3');
  for (const one of seen) {
    if (one.seen !== 'fact' || one.run !== run.name) continue;
    const stored = run.journal.get(one.position);
    expect(
      stored !== undefined,
      () =>
        `${run.name}: ${one.fact.fact} was announced at position ${one.position}, and the journal has lost it`,
    );
    expect(
      stored === undefined || canonicalJson(stored) === canonicalJson(one.fact),
      () =>
        `${run.name}: position ${one.position} was announced as ${one.fact.fact} and holds something else`,
    );
  }
  return found;
}

/** One outcome of an answer in a form that can be compared with the ledger's: place, whether it is final, value. */
interface Item {
  readonly place: string;
  readonly isFinal: boolean;
  readonly value: string;
}

function itemsOf(result: Result): Item[] {
  if (result.kind === 'sample')
    return result.items.flatMap(({ example, generations }) =>
      generations.map((generation) => ({
        place: `sample of ${result.unit}, candidate ${generation.candidate} of example ${example}`,
        isFinal: generation.outcome === 'generated',
        value: canonicalJson(generation),
      })),
    );
  return result.items.flatMap(({ example, verdicts }) =>
    verdicts.map(({ text, answer }) => ({
      place: `verdict of ${result.judge} on ${result.unit}, text ${text} of example ${example}`,
      isFinal: answer.outcome === 'scored',
      value: canonicalJson(answer),
    })),
  );
}

/** What the ledger holds, in the same form. */
function storedItems({ name: run, samples, verdicts }: RunEvidence): Map<string, string> {
  const stored = new Map<string, string>();
  const add = (result: Result): void => {
    for (const { place, value } of itemsOf(result))
      if (!stored.has(place)) stored.set(place, value);
  };
  const peer = 'ledger';
  for (const [unit, { items }] of samples) add({ kind: 'sample', run, unit, peer, items });
  for (const [key, { items }] of verdicts) {
    const [judge = '', unit = ''] = key.split('/');
    add({ kind: 'judge', run, unit, peer, judge, fingerprint: '', items });
  }
  return stored;
}

function checkAnswers(run: RunEvidence, seen: readonly Seen[]): Violation[] {
  const { found, expect } = finder('I3');
  const stored = storedItems(run);
  const first = new Map<string, Item>();
  // Answers that wait unread when the store is emptied are lost with it, and the work is done again.
  for (const one of seen.slice(seen.findLastIndex(({ seen }) => seen === 'wipe') + 1)) {
    if (one.seen !== 'answer' || one.result.run !== run.name) continue;
    if (!run.plan.has(sliceOf(one.result.unit).slice)) continue;
    for (const item of itemsOf(one.result)) {
      const known = first.get(item.place);
      if (known === undefined || (!known.isFinal && item.isFinal)) first.set(item.place, item);
    }
  }
  for (const { place, isFinal, value } of first.values()) {
    const held = stored.get(place);
    expect(
      held !== undefined,
      () => `${run.name}: ${place} was answered and acknowledged, and is not in the ledger`,
    );
    expect(
      held === undefined || !isFinal || held === value,
      () => `${run.name}: ${place} was answered with ${value}, and the ledger counts ${held ?? ''}`,
    );
  }
  return found;
}

/** Of each queue no more messages are acked than answers were given. Once the tap has missed messages it cannot tell. */
function checkAcks(seen: readonly Seen[]): Violation[] {
  const { found, expect } = finder('I3');
  const acked = new Map<string, Set<number>>();
  const answers = new Map<string, number>();
  const add = (durable: string): void => void answers.set(durable, (answers.get(durable) ?? 0) + 1);
  for (const one of seen) {
    if (one.seen === 'gap' || one.seen === 'wipe') break;
    if (one.seen === 'answer') {
      const { result } = one;
      add(result.kind === 'sample' ? `sample-${result.run}` : `judge-${result.judge}`);
      add(`result-${result.run}`);
    }
    if (one.seen !== 'ack') continue;
    const messages = acked.get(one.durable) ?? new Set();
    acked.set(one.durable, messages.add(one.message));
    const given = answers.get(one.durable) ?? 0;
    const what = { [WORK_STREAM]: 'units', [RESULT_STREAM]: 'answers' }[one.stream];
    expect(
      messages.size <= given,
      () =>
        `${messages.size} ${what} of ${one.durable} were acked when ${given} answers had been given: an ack that answers nothing was believed`,
    );
  }
  return found;
}
