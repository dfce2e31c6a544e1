/** A curator, a real bus and workers whose verdicts cost something, driven as a coordinator does: what becomes of `budget.usd`. */
import { expect, test } from 'vitest';
import { connectCurator } from '../../coordinator/curator.ts';
import type { Peers } from '../../coordinator/peers.ts';
import { type Progress, workOn } from '../../coordinator/work.ts';
import type { FactOf } from '../../shared/contract/facts.ts';
import type { Result } from '../../shared/contract/work.ts';
import { makeRound, startWorkers } from '../support/curating.ts';
import { paidRun, paid, USD } from '../support/paid.ts';

const { signal } = new AbortController();

test('a run pauses within a step as soon as its dollars are spent, and goes on after a resume', async () => {
  const { calls, curator, nats, file } = await makeRound(8, {
    ...paidRun,
    budget: { usd: 5 },
  });
  const connected = connectCurator(curator.grpc, 'test', undefined);
  const peers: Peers = {
    curator: () => Promise.resolve(connected),
    anyCurator: () => Promise.resolve(connected),
    trainer: () => Promise.reject(new Error('nothing is trained here')),
  };
  const curate = async () => {
    const journal = await connected.facts(signal);
    const seen: Progress[] = [];
    const attempt = journal.filter(({ fact }) => fact === 'run.resumed').length;
    const fact = await workOn(
      { peers, report: (_, progress) => seen.push(progress) },
      { run: 'test', journal, work: { kind: 'curate', step: 'r1', attempt } },
      signal,
    );
    await connected.append(journal.length, fact, signal);
    const last = seen.findLast((progress) => 'usd' in progress);
    return { fact, spent: last !== undefined && 'usd' in last ? last.usd : 0 };
  };

  // A judge leaves its engine alone once it knows of the pause: here when the budget is spent, but for one unit in hand.
  let spent = 0;
  let granted = 5;
  const judging = (result: Result): Result | undefined => {
    const changed = paid(result);
    if (changed.kind !== 'judge' || changed.judge !== 'gpt') return changed;
    if (spent > granted) return undefined;
    spent += USD * changed.items.flatMap(({ verdicts }) => verdicts).length;
    return changed;
  };
  await using _workers = await startWorkers(nats.url, judging, ['em', 'span', 'gpt']);

  const first = await curate();
  expect(first.fact).toMatchObject({ fact: 'run.paused', budget: 'usd' });
  expect(first.fact).toHaveProperty(
    'reason',
    expect.stringMatching(/^budget\.usd: \$\d+(\.\d\d)? of \$5 are spent; resume grants/),
  );
  expect(first.spent).toBeGreaterThanOrEqual(5);
  expect(first.spent).toBeLessThanOrEqual(spent);

  // Until it is resumed, a coordinator that looks again finds it spent.
  const pausedAgain = await workOn(
    { peers, report: () => undefined },
    {
      run: 'test',
      journal: await connected.facts(signal),
      work: { kind: 'curate', step: 'r1', attempt: 0 },
    },
    signal,
  );
  expect(pausedAgain).toMatchObject({ fact: 'run.paused', budget: 'usd' });

  granted = 1000;
  const facts = await connected.facts(signal);
  await connected.append(facts.length, { fact: 'run.resumed' }, signal);
  // Each resume grants $5 more: as often as it takes.
  let last = (await curate()).fact;
  while (last.fact === 'run.paused') {
    const { length } = await connected.facts(signal);
    await connected.append(length, { fact: 'run.resumed' }, signal);
    last = (await curate()).fact;
  }
  const sealed = last as FactOf<'dataset.sealed'>;
  expect(sealed.fact).toBe('dataset.sealed');
  const gpt = sealed.judges['gpt'];
  expect(gpt?.usd).toBe(spent);
  expect(gpt).toMatchObject({ scored: spent / USD, calls: spent / USD, unscored: {}, cached: 0 });
  expect((gpt?.scored ?? 0) + (gpt?.equal ?? 0) + (gpt?.certain ?? 0)).toBe(56);
  expect(sealed.judges['em']).toMatchObject({ calls: 0, usd: 0, certain: 0 });
  expect(file.budget).toEqual({ usd: 5 });
  calls.close();
});
