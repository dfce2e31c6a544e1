/** A curator, a real bus and workers that answer at once: what becomes of their answers. */
import { expect, test, vi } from 'vitest';
import { EvaluationValue } from '../../shared/contract/steps.ts';
import type { Result } from '../../shared/contract/work.ts';
import { readStream, unary } from '../../shared/rpc/client.ts';
import { judge, sample } from '../support/answering.ts';
import { connectPeer, incumbent, makeRound, startWorkers } from '../support/curating.ts';

const signal = new AbortController().signal;

async function metric(http: string, name: string): Promise<number> {
  const text = await (await fetch(`${http}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(name));
  return Number(line?.split(' ').at(-1) ?? 0);
}

test('a run goes from its start over a round to an evaluation', async () => {
  const { calls, file, nats } = await makeRound(40);
  await using _workers = await startWorkers(nats.url);

  expect(await calls.open(file)).toEqual({ opened: false });
  expect(await calls.curate('start-0')).toMatchObject({ outcome: 'sealed', rows: 4 });
  expect(await calls.curate('r1')).toMatchObject({
    outcome: 'sealed',
    rows: 80,
    candidates: { planned: 560, scored: 560, unscored: {} },
    byDataset: { span: { planned: 40, kept: 40 }, instruct: { planned: 40, kept: 40 } },
  });
  expect(await calls.evaluate('r1', incumbent)).toMatchObject({
    outcome: 'evaluated',
    dev: { faithfulness: { seen: { n: 10 } }, instruction: { n: 10 } },
    test: { task: { n: 10 } },
  });
  const { client } = calls;
  const values: unknown[] = [];
  for await (const message of readStream(() => client.readEvaluation({ run: 'test', step: 'r1' }), {
    signal,
  }))
    values.push(...(JSON.parse(message.values) as unknown[]));
  expect(values.map((value) => EvaluationValue.parse(value))).toHaveLength(30);
});

test('a result that leaves out an item, or names a foreign one, is refused whole', async () => {
  const { calls, nats, curator } = await makeRound(8);
  const bus = await connectPeer(nats.url);
  await calls.start('r1');
  const queue = { kind: 'sample', run: 'test' } as const;
  await expect.poll(async () => (await bus.offered('test', queue)).size).toBe(2);
  const delivery = await bus.next(queue, 1000, signal);
  if (delivery?.message.kind !== 'sample') throw new Error('no unit was offered');
  const answer = sample(delivery.message, 'worker-1');

  const [first, ...others] = answer.items;
  await bus.answer({ ...answer, items: others });
  await bus.answer({
    ...answer,
    items: [...answer.items, ...(first === undefined ? [] : [first])],
  });
  await bus.answer({ ...answer, unit: 'r9-train-s0000' });
  await expect
    .poll(() => metric(curator.http, 'reset_refused_results_total{kind="sample"}'))
    .toBe(3);
  expect(await metric(curator.http, 'reset_candidates_total')).toBe(0);

  await bus.answer(answer);
  await expect.poll(() => metric(curator.http, 'reset_candidates_total')).toBe(56);
});

test('a late answer does not replace a scored one', async () => {
  const { calls, nats } = await makeRound(8);
  const twice = async (result: Result): Promise<Result> => {
    const bus = await connectPeer(nats.url, 'worker-2');
    if (result.kind !== 'judge') return result;
    await bus.answer({ ...result, peer: 'worker-2' });
    // The one that comes second says the opposite of everything.
    return {
      ...result,
      items: result.items.map(({ example, verdicts }) => ({
        example,
        verdicts: verdicts.map(({ text, answer }) => ({
          text,
          answer: answer.outcome === 'scored' ? { ...answer, value: 1 - answer.value } : answer,
        })),
      })),
    };
  };
  await using _workers = await startWorkers(nats.url, twice);
  const outcome = await calls.curate('r1');

  const calm = await makeRound(8);
  await using _calm = await startWorkers(calm.nats.url);
  expect(outcome).toEqual(await calm.calls.curate('r1'));
});

test('too little coverage ends a step as short, and resume offers only what is unscored', async () => {
  const { calls, nats, file } = await makeRound(40);
  const isBad = (result: Result): boolean =>
    result.kind === 'judge' && result.judge === 'em' && result.unit === 'r1-train-s0000';
  {
    await using _failing = await startWorkers(nats.url, (result) => {
      if (result.kind !== 'judge' || !isBad(result)) return result;
      const unscored = { outcome: 'unscored', reason: 'outage' } as const;
      const items = result.items.map(({ example, verdicts }) => ({
        example,
        verdicts: verdicts.map(({ text }) => ({ text, answer: unscored })),
      }));
      return { ...result, items };
    });
    expect(await calls.curate('r1')).toMatchObject({
      outcome: 'short',
      reason: expect.stringMatching(/of 560 candidates have a full score/) as string,
    });
    expect(await calls.curate('r1')).toMatchObject({ outcome: 'short' });
  }
  await using mended = await startWorkers(nats.url);
  expect(await calls.curate('r1', 1)).toMatchObject({
    outcome: 'sealed',
    candidates: { scored: 560, unscored: {} },
  });
  expect(mended.answered).toEqual(['em/r1-train-s0000']);
  expect(file.rounds.coverage).toBe(0.98);
});

test('resume asks for the failed generations alone, then has their texts judged', async () => {
  const { calls, nats } = await makeRound(8);
  const asked: number[] = [];
  {
    await using _failing = await startWorkers(nats.url, (result) => {
      if (result.kind !== 'sample') return result;
      const items = result.items.map(({ example, generations }) => ({
        example,
        generations: generations.map((one, index) =>
          index < 2
            ? ({ outcome: 'failed', candidate: one.candidate, reason: 'no memory' } as const)
            : one,
        ),
      }));
      return { ...result, items };
    });
    expect(await calls.curate('r1')).toMatchObject({
      outcome: 'short',
      unscored: { 'sampling: no memory': 32 },
    });
  }
  await using _mended = await startWorkers(nats.url, (result) => {
    if (result.kind === 'sample')
      asked.push(...result.items.map(({ generations }) => generations.length));
    return result;
  });
  const outcome = await calls.curate('r1', 1);
  expect(new Set(asked)).toEqual(new Set([2]));

  const calm = await makeRound(8);
  await using _calm = await startWorkers(calm.nats.url);
  expect(outcome).toEqual(await calm.calls.curate('r1'));
});

test('a judge with an API behind it answers an example at a time, and resume asks for the unscored one alone', async () => {
  const engine = { type: 'llm', provider: 'openai', model: 'judge-1' } as const;
  const gpt = { name: 'gpt', axis: 'instruction', ...engine } as const;
  const { calls, nats } = await makeRound(8, {
    judges: [
      { name: 'em', axis: 'task', type: 'exact-match' },
      { name: 'span', axis: 'faithfulness', type: 'span-coverage' },
      gpt,
    ],
  });
  const judges = ['em', 'span', 'gpt'];
  let refused: string | undefined;
  {
    const failing = (result: Result): Result => {
      if (result.kind !== 'judge' || result.judge !== 'gpt') return result;
      expect(result.items).toHaveLength(1);
      refused ??= result.unit;
      if (result.unit !== refused) return result;
      const answer = { outcome: 'unscored', reason: 'no', cause: 'refusal' } as const;
      const items = result.items.map(({ example, verdicts }) => ({
        example,
        verdicts: verdicts.map(({ text }) => ({ text, answer })),
      }));
      return { ...result, items };
    };
    await using first = await startWorkers(nats.url, failing, judges);
    expect(await calls.curate('r1')).toMatchObject({ outcome: 'short' });
    const asked = first.answered.filter((one) => one.startsWith('gpt/'));
    expect(new Set(asked).size).toBe(8);
  }
  await using mended = await startWorkers(nats.url, undefined, judges);
  expect(await calls.curate('r1', 1)).toMatchObject({
    outcome: 'sealed',
    candidates: { unscored: {} },
  });
  expect(mended.answered).toEqual([`gpt/${refused}`]);
});

test('a unit that is too large for the bus travels by reference', async () => {
  const { calls, nats } = await makeRound(8, {
    sampling: { server: 'local', maxTokens: 40_000 },
  });
  const bus = await connectPeer(nats.url);
  await calls.start('r1');
  const queue = { kind: 'sample', run: 'test' } as const;
  // The queue is declared by the step, which the call has only started.
  const delivery = await vi.waitFor(() => bus.next(queue, 5000, signal), 20_000);
  if (delivery?.message.kind !== 'sample') throw new Error('a unit of prompts alone is small');
  const long = sample(delivery.message, 'worker-1');
  const items = long.items.map(({ example, generations }) => ({
    example,
    generations: generations.map((one, index) => ({
      ...(one as Extract<typeof one, { outcome: 'generated' }>),
      text: `${index} ${'long '.repeat(10_000)}`,
    })),
  }));
  await bus.answer({ ...long, items });
  const work = await bus.next({ kind: 'judge', judge: 'em' }, 5000, signal).catch(() => undefined);
  const other = work ?? (await bus.next({ kind: 'judge', judge: 'rules' }, 5000, signal));
  if (other?.message.kind !== 'reference') throw new Error('the unit should be a reference');
  const { run, queue: name, unit } = other.message;
  const read = await unary(
    calls.client.readUnit.bind(calls.client),
    { run, queue: name, unit },
    { deadlineMs: 5000, signal },
  );
  const whole = JSON.parse(read.unit) as Parameters<typeof judge>[0];
  expect(judge(whole, 'worker-1').items[0]?.verdicts).toHaveLength(7);
});
