/** A curator, a real bus, a judge as a process and a server that speaks the real protocol: answers of a checkpoint beside those of another. */
import { expect, onTestFinished, test } from 'vitest';
import { Explanation } from '../../shared/contract/explanation.ts';
import type { ComparedAnswers } from '../../shared/contract/pairs.ts';
import { Answer, type EvaluateOutcome } from '../../shared/contract/steps.ts';
import { unary } from '../../shared/rpc/client.ts';
import { writeRun } from '../support/curated-run.ts';
import { callCurator, type Calls, makeFolder, startWorkers } from '../support/curating.ts';
import { startCurator } from '../support/curator.ts';
import { type FakeOpenAi, type FakeRequest, startFakeOpenAi } from '../support/fake-openai.ts';
import { startNats } from '../support/nats.ts';
import { longer } from '../support/pairs.ts';
import { startRole } from '../support/role.ts';

const { signal } = new AbortController();
const pairwise = {
  axis: 'instruction',
  type: 'pairwise',
  provider: 'api',
  model: 'judge-1',
} as const;
const judges = [
  { name: 'em', axis: 'task', type: 'exact-match' } as const,
  { name: 'span', axis: 'faithfulness', type: 'span-coverage' } as const,
  { name: 'rules', axis: 'instruction', type: 'verifiable' } as const,
  { name: 'duel', ...pairwise, against: 'start' },
  { name: 'chase', ...pairwise, against: 'incumbent' },
];
const compute = ['em', 'span', 'rules'];
const checkpoints = ['a', 'b', 'c'].map((letter) => letter.repeat(64)) as [string, string, string];

interface Scene {
  readonly calls: () => Calls;
  readonly api: FakeOpenAi;
  /** Kills curator and judge, and starts them again. */
  killBoth(): Promise<void>;
}

async function makeScene(write: (rating: number, request: FakeRequest) => string): Promise<Scene> {
  const folder = makeFolder();
  const file = writeRun(`${folder}/data`, { rows: 24, changes: { judges } });
  const nats = await startNats();
  const api = await startFakeOpenAi({ write });
  const workers = await startWorkers(nats.url, undefined, compute);
  const provider = { url: api.url, prices: { 'judge-1': { prompt: 10, completion: 20 } } };
  const start = async () => {
    const curator = await startCurator({ natsUrl: nats.url, state: `${folder}/curator-1` });
    const judge = await startRole('judge', {
      natsUrl: nats.url,
      folder,
      peer: 'judge-1',
      providers: { api: provider },
      env: { RESET_JUDGES: 'duel,chase' },
    });
    return { curator, judge, calls: callCurator(curator.grpc) };
  };
  const end = async ({ curator, judge, calls }: Awaited<ReturnType<typeof start>>) => {
    calls.close();
    await curator[Symbol.asyncDispose]();
    await judge[Symbol.asyncDispose]();
  };
  let running = await start();
  onTestFinished(async () => {
    await end(running);
    await workers[Symbol.asyncDispose]();
    await api[Symbol.asyncDispose]();
    await nats[Symbol.asyncDispose]();
  });
  await running.calls.open(file);
  return {
    calls: () => running.calls,
    api,
    killBoth: async () => {
      await end(running);
      running = await start();
    },
  };
}

/** The evaluations of the start and of two rounds, of which the first is promoted. `during` may disturb that of the first. */
async function drive(
  { calls }: Pick<Scene, 'calls'>,
  during: (evaluating: Promise<EvaluateOutcome>) => Promise<EvaluateOutcome> = (it) => it,
): Promise<[EvaluateOutcome, EvaluateOutcome, EvaluateOutcome]> {
  const [start, first, second] = checkpoints;
  const r0 = await calls().evaluate('r0', start);
  await calls().append(1, { fact: 'round.opened', step: 'r1', round: 1, incumbent: start });
  const r1 = await during(calls().evaluate('r1', first));
  await calls().append(2, {
    fact: 'decision.made',
    step: 'r1',
    round: 1,
    decision: 'promote',
    reason: 'planted',
    differences: { faithfulness: null, instruction: null, task: null },
    guardrails: [],
    withoutPromotion: 0,
  });
  await calls().append(3, { fact: 'round.opened', step: 'r2', round: 2, incumbent: first });
  return [r0, r1, await calls().evaluate('r2', second)];
}

function pairsIn(outcome: EvaluateOutcome) {
  if (outcome.outcome !== 'evaluated') throw new Error(`it ended as ${outcome.outcome}`);
  return { dev: outcome.dev.pairs, test: outcome.test.pairs };
}

/** The answers to the instructions of a part, by example. */
async function answersTo(part: string, step: string, { client }: Calls) {
  const answers = new Map<string, string>();
  const stream = client.readAnswers({ run: 'test', step });
  for await (const { answer } of stream as AsyncIterable<{ answer: string }>) {
    const { dataset, split, example, text } = Answer.parse(JSON.parse(answer));
    if (dataset === 'instruct' && split === part) answers.set(example, text ?? '');
  }
  return answers;
}

/** What a judge that takes the longer answer comes to, counted here. */
async function counted(part: string, step: string, than: string, calls: Calls) {
  const [own, theirs] = [await answersTo(part, step, calls), await answersTo(part, than, calls)];
  const pairs = Array.from(own, ([example, text]) => [text, theirs.get(example) ?? ''] as const);
  const count = (is: (answer: string, opponent: string) => boolean): number =>
    pairs.filter(([answer, opponent]) => is(answer, opponent)).length;
  return {
    wins: count((a, b) => a.length > b.length),
    ties: count((a, b) => a.length === b.length),
    losses: count((a, b) => a.length < b.length),
    same: count((a, b) => a === b),
  };
}

test('answers of a round meet those of the start and of the incumbent, in no score, and kills and a resume change nothing', async () => {
  const scene = await makeScene(longer);
  const [r0, r1, r2] = await drive(scene);
  // The start meets nobody: it is its own opponent.
  expect(pairsIn(r0)).toEqual({ dev: undefined, test: undefined });
  expect(r0).toMatchObject({ judges: { rules: { scored: 12 } } });
  expect(r0).not.toHaveProperty('judges.duel');
  const calls = scene.calls();
  for (const part of ['dev', 'test'] as const) {
    const [duel, chase] = [pairsIn(r1)[part]?.['duel'], pairsIn(r1)[part]?.['chase']];
    expect(duel?.['instruct']).toMatchObject(await counted(part, 'r1', 'r0', calls));
    // The incumbent of the first round is the start.
    expect(chase).toEqual(duel);
    const later = pairsIn(r2)[part];
    expect(later?.['duel']?.['instruct']).toMatchObject(await counted(part, 'r2', 'r0', calls));
    expect(later?.['chase']?.['instruct']).toMatchObject(await counted(part, 'r2', 'r1', calls));
    expect(Object.keys(later?.['chase'] ?? {})).toEqual(['instruct']);
  }
  const sums = pairsIn(r2).test?.['chase']?.['instruct'] as ComparedAnswers;
  expect(sums.same).toBeLessThan(6);
  expect(sums.consistency).toEqual({ n: 6 - sums.same, value: 1 });
  expect(sums.winRate?.value).toBe((sums.wins + sums.ties / 2) / 6);
  expect(sums.tokens).toEqual({ answer: 1, opponent: 1 });
  // What the backend is, and two calls a pair: where the texts differ, and the judge has not seen the same pair in an earlier round.
  const met = [
    ['duel', 'r1', 'r0'],
    ['chase', 'r1', 'r0'],
    ['duel', 'r2', 'r0'],
    ['chase', 'r2', 'r1'],
  ] as const;
  const asked = new Set<string>();
  for (const [judge, step, than] of met)
    for (const part of ['dev', 'test']) {
      const opponents = await answersTo(part, than, calls);
      for (const [example, text] of await answersTo(part, step, calls)) {
        const opponent = opponents.get(example) ?? '';
        if (text !== opponent) asked.add([judge, example, text, opponent].join('/'));
      }
    }
  expect(scene.api.calls).toHaveLength(1 + 2 * asked.size);

  const theirs = await answersTo('dev', 'r1', calls);
  const [example = ''] = theirs.keys();
  const { explanation } = await unary(
    calls.client.explain.bind(calls.client),
    { run: 'test', example },
    { deadlineMs: 5000, signal },
  );
  const { steps } = Explanation.parse(JSON.parse(explanation));
  expect(steps.map(({ step, opponents }) => [step, opponents['chase']])).toEqual([
    ['r0', undefined],
    ['r1', { step: 'r0', text: (await answersTo('dev', 'r0', calls)).get(example) }],
    ['r2', { step: 'r1', text: theirs.get(example) }],
  ]);

  const disturbed = await makeScene((rating, request) => longer(rating, request));
  const outcomes = await drive(disturbed, async (evaluating) => {
    evaluating.catch(() => undefined);
    await expect.poll(() => disturbed.api.calls.length, { timeout: 20_000 }).toBeGreaterThan(3);
    await disturbed.killBoth();
    // As after a pause: the attempt is another one.
    return disturbed.calls().evaluate('r1', checkpoints[1], 1);
  });
  expect(outcomes).toEqual([r0, r1, r2]);
}, 120_000);

test('a judge that loves position A decides nothing, and its consistency is 0', async () => {
  const scene = await makeScene(() => '[[A]]');
  const [, r1] = await drive(scene);
  const sums = pairsIn(r1).test?.['duel']?.['instruct'] as ComparedAnswers;
  const { wins, ties, losses, same, winRate, consistency } = sums;
  expect({ wins, ties, losses }).toEqual({ wins: 0, ties: 6, losses: 0 });
  expect(winRate?.value).toBe(0.5);
  expect(consistency).toEqual({ n: 6 - same, value: 0 });
  expect(consistency.n).toBeGreaterThan(0);
}, 120_000);
