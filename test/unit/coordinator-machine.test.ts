import { describe, expect, test } from 'vitest';
import { createActor, fromCallback, fromPromise, toPromise, waitFor } from 'xstate';
import { runMachine, type Appending, type RunEvent, type Work } from '../../coordinator/machine.ts';
import type { Fact } from '../../shared/contract/facts.ts';
import { wholeJournal } from '../support/journal.ts';

/** A run over a journal in memory whose steps end with the facts of the whole journal; `failing` says which attempts throw, `hanging` which never end. */
function startRun(
  journal: Fact[],
  options: {
    failing?: (work: Work) => boolean;
    hanging?: () => boolean;
    follow?: (send: (event: RunEvent) => void) => void;
  } = {},
) {
  const works: Work['kind'][] = [];
  const machine = runMachine.provide({
    actors: {
      follow: fromCallback<RunEvent, { run: string }>(({ sendBack }) => {
        options.follow?.(sendBack);
      }),
      load: fromPromise(async (): Promise<readonly Fact[]> => Promise.resolve([...journal])),
      work: fromPromise(
        async ({ input }: { input: { run: string; journal: readonly Fact[]; work: Work } }) => {
          works.push(input.work.kind);
          if (options.failing?.(input.work) === true) throw new Error('planted failure');
          if (options.hanging?.() === true) await new Promise(() => undefined);
          const fact = wholeJournal[input.journal.length];
          if (fact === undefined) throw new Error('worked past the end');
          return Promise.resolve(fact);
        },
      ),
      append: fromPromise(async ({ input }: { input: Appending }) => {
        if (journal.length !== input.expected) return Promise.resolve(false);
        journal.push(input.fact);
        return Promise.resolve(true);
      }),
    },
    delays: { backoff: 1 },
  });
  const actor = createActor(machine, { input: { run: 'tested' } });
  actor.start();
  return { actor, works };
}

describe('the machine of a run', () => {
  test.each(wholeJournal.slice(1).map((_, index) => index + 1))(
    'goes on from a journal of %i facts to the same end',
    async (length) => {
      const journal = wholeJournal.slice(0, length);
      await toPromise(startRun(journal).actor);
      expect(journal).toEqual(wholeJournal);
    },
  );

  test('two of them over one journal write one journal', async () => {
    const journal = wholeJournal.slice(0, 1);
    await Promise.all([toPromise(startRun(journal).actor), toPromise(startRun(journal).actor)]);
    expect(journal).toEqual(wholeJournal);
  });

  test('a step that fails is tried again until it succeeds', async () => {
    let failures = 3;
    const journal = wholeJournal.slice(0, 1);
    const { actor } = startRun(journal, {
      failing: (work) => work.kind === 'train' && failures-- > 0,
    });
    await toPromise(actor);
    expect(journal).toEqual(wholeJournal);
  });

  test('what went wrong is forgotten as soon as the step advances, and waits begin anew', async () => {
    let failures = 3;
    const { actor } = startRun(wholeJournal.slice(0, 1), {
      failing: () => failures-- > 0,
      hanging: () => failures < 0,
    });
    await waitFor(actor, ({ context }) => context.failures === 3);
    await waitFor(actor, (snapshot) => snapshot.matches('working'));
    expect(actor.getSnapshot().context.trouble).toBe('planted failure');
    actor.send({ type: 'step.advanced' });
    expect(actor.getSnapshot().context).toMatchObject({ failures: 0, trouble: undefined });
    expect(actor.getSnapshot().value).toBe('working');
    actor.stop();
  });

  test('a paused run waits until the journal grows, and then goes on', async () => {
    const journal: Fact[] = [
      ...wholeJournal.slice(0, 6),
      { fact: 'run.paused', reason: 'asked by the user' },
    ];
    let tell: (event: RunEvent) => void = () => undefined;
    const { actor, works } = startRun(journal, { follow: (send) => (tell = send) });
    await waitFor(actor, (snapshot) => snapshot.matches('paused'));
    expect(works).toEqual([]);
    journal.splice(6, 1, ...wholeJournal.slice(6, 8));
    tell({ type: 'journal.grew', length: 8 });
    await toPromise(actor);
    expect(journal).toEqual(wholeJournal);
  });

  test('a request to drain ends it in any state', async () => {
    const { actor } = startRun(wholeJournal.slice(0, 1), { failing: () => true });
    actor.send({ type: 'drain.requested' });
    await toPromise(actor);
    expect(actor.getSnapshot().value).toBe('drained');
  });
});
