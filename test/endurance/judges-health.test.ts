/** A curator, a real bus and workers: what becomes of a round whose judge has an engine behind it. */
import { expect, test } from 'vitest';
import { connectCurator } from '../../coordinator/curator.ts';
import type { Peers } from '../../coordinator/peers.ts';
import { workOn } from '../../coordinator/work.ts';
import type { Fact } from '../../shared/contract/facts.ts';
import type { RunFile } from '../../shared/contract/run-file.ts';
import { canaryId, repeatId } from '../../shared/contract/ids.ts';
import type { Outcome, Result } from '../../shared/contract/work.ts';
import { makeRound, startWorkers } from '../support/curating.ts';

const gpt = {
  name: 'gpt',
  axis: 'instruction',
  type: 'llm',
  provider: 'openai',
  model: 'm',
} as const;
const span = { name: 'span', axis: 'faithfulness', type: 'span-coverage' } as const;
const em = { name: 'em', axis: 'task', type: 'exact-match' } as const;
const rules = { name: 'rules', axis: 'instruction', type: 'verifiable' } as const;
const judges = [em, span, gpt, rules];
const names = judges.map(({ name }) => name);

/** What `gpt` says of the texts of these ids, whatever it would have said. */
function sayOf(values: ReadonlyMap<string, number>, text: string, answer: Outcome): Outcome {
  const value = values.get(text);
  return value === undefined ? answer : { outcome: 'scored', value, details: {} };
}

function saying(values: ReadonlyMap<string, number>) {
  return (result: Result): Result =>
    result.kind !== 'judge' || result.judge !== 'gpt'
      ? result
      : {
          ...result,
          items: result.items.map(({ example, verdicts }) => ({
            example,
            verdicts: verdicts.map(({ text, answer }) => ({
              text,
              answer: sayOf(values, text, answer),
            })),
          })),
        };
}

/** The fact that a coordinator takes from the curating of round 1. */
async function factOf(address: string, file: RunFile): Promise<Fact> {
  const { signal } = new AbortController();
  const journal = await connectCurator(address, file.run, undefined).facts(signal);
  const nobody = () => Promise.reject(new Error('only the curator of the run is asked'));
  const peers: Peers = {
    curator: () => Promise.resolve(connectCurator(address, file.run, undefined)),
    anyCurator: nobody,
    trainer: nobody,
  };
  const work = { kind: 'curate', step: 'r1', attempt: 0 } as const;
  const deps = { peers, report: () => undefined };
  return workOn(deps, { run: file.run, journal, work }, signal);
}

test('a judge that loves a canary stops the round, and resume asks it about the whole round again', async () => {
  const { calls, nats, curator, file } = await makeRound(8, { judges });
  {
    const loving = saying(new Map([[canaryId('rating'), 0.9]]));
    await using _workers = await startWorkers(nats.url, loving, names);
    expect(await calls.curate('r1')).toMatchObject({
      outcome: 'distrusted',
      judges: ['gpt'],
      reason: expect.stringMatching(
        /^judge gpt gave canary rating of example [0-9a-f]{8} 0\.900, at most 0\.5/,
      ) as string,
    });
    expect(await calls.curate('r1')).toMatchObject({ outcome: 'distrusted' });
    expect(await factOf(curator.grpc, file)).toEqual({
      fact: 'run.paused',
      reason: expect.stringContaining('canary rating') as string,
    });
    // Not mended: it says the same again.
    expect(await calls.curate('r1', 1)).toMatchObject({ outcome: 'distrusted' });
  }
  await using mended = await startWorkers(nats.url, undefined, names);
  const outcome = await calls.curate('r1', 2);
  expect(new Set(mended.answered.map((one) => one.split('/')[0]))).toEqual(new Set(['gpt']));
  expect(new Set(mended.answered).size).toBe(8);

  const calm = await makeRound(8, { judges });
  await using _calm = await startWorkers(calm.nats.url, undefined, names);
  expect(outcome).toEqual(await calm.calls.curate('r1'));
  expect(outcome).toMatchObject({
    outcome: 'sealed',
    rows: 16,
    candidates: { planned: 112, unscored: {} },
    health: {
      judges: {
        gpt: { canaries: { asked: 12, highest: { value: 0 } }, repeats: { n: 1, flipRate: 0 } },
        rules: { outcomes: {} },
      },
      agreement: { instruction: { kappa: [{ judges: ['gpt', 'rules'] }] } },
    },
  });
});

test('what a canary or a repeat is given changes nothing that is kept, and a repeat shows in the health', async () => {
  const { calls, nats } = await makeRound(8, { judges });
  const ids: string[] = [];
  const noting = (result: Result): Result => {
    if (result.kind === 'judge' && result.judge === 'gpt')
      ids.push(...result.items.flatMap(({ verdicts }) => verdicts.map(({ text }) => text)));
    return result;
  };
  await using _first = await startWorkers(nats.url, noting, names);
  const calm = await calls.curate('r1');
  if (calm.outcome !== 'sealed') throw new Error('the round is sealed');
  const again = ids.filter((id) => ids.some((text) => repeatId(text) === id));
  expect(again).toHaveLength(1);
  const values = new Map([
    [canaryId('boast'), 0.5],
    ...again.map((id): [string, number] => [id, 0.4]),
  ]);

  const moody = await makeRound(8, { judges });
  await using _second = await startWorkers(moody.nats.url, saying(values), names);
  const outcome = await moody.calls.curate('r1');
  const { health: before, ...kept } = calm;
  expect(outcome).toMatchObject(kept);
  expect(before?.judges['gpt']?.repeats).toEqual({ n: 1, flipRate: 0, spread: 0 });
  if (outcome.outcome !== 'sealed') throw new Error('the round is sealed');
  expect(outcome.health?.judges['gpt']).toMatchObject({
    canaries: { asked: 12, highest: { canary: 'boast', value: 0.5 } },
    repeats: { n: 1, flipRate: 1 },
  });
});

test('a run whose judges only compute is asked nothing more, and has no health', async () => {
  const { calls, nats } = await makeRound(8);
  const asked = new Set<string>();
  const noting = (result: Result): Result => {
    if (result.kind === 'judge')
      for (const { verdicts } of result.items) for (const { text } of verdicts) asked.add(text);
    return result;
  };
  await using _workers = await startWorkers(nats.url, noting);
  const outcome = await calls.curate('r1');
  expect(outcome.outcome).toBe('sealed');
  expect('health' in outcome).toBe(false);
  expect(asked.has(canaryId('empty'))).toBe(false);
  expect(asked.size).toBe(4);
});
