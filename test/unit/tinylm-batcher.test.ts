import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Sample, SampleRequest } from '../../shared/tinylm/model/sample.ts';
import { createBatcher } from '../../shared/tinylm/serve/batcher.ts';

const never = new AbortController().signal;

const request = (seed: number, maxTokens = 8): SampleRequest => ({
  prompt: [1, 2],
  temperature: 1,
  topK: 0,
  seed,
  maxTokens,
  logprobs: false,
});

/** A generator that answers each request with its seed, keeps the seeds of each batch, and runs while `held`. */
function echo() {
  const batches: number[][] = [];
  let release = () => {};
  const state = { batches, held: Promise.resolve(), hold, release: () => release(), generate };
  function hold() {
    state.held = new Promise((resolve) => {
      release = resolve;
    });
  }
  async function generate(batch: readonly SampleRequest[]): Promise<Sample[]> {
    batches.push(batch.map(({ seed }) => seed));
    await state.held;
    return batch.map(({ seed }) => ({ tokens: [seed], logprobs: [], finish: 'stop' }));
  }
  return state;
}

const tokens = (samples: Sample[]) => samples.flatMap((sample) => sample.tokens);

test('requests that arrive together are one batch, and each gets its own samples in order', async () => {
  const generator = echo();
  const batcher = createBatcher(generator);
  const first = batcher.sample([request(1), request(2)], never);
  await turn();
  const second = batcher.sample([request(3)], never);
  expect(tokens(await first)).toEqual([1, 2]);
  expect(tokens(await second)).toEqual([3]);
  expect(generator.batches).toEqual([[1, 2, 3]]);
});

test('what arrives while a batch runs is the next batch', async () => {
  const generator = echo();
  generator.hold();
  const batcher = createBatcher(generator);
  const first = batcher.sample([request(1)], never);
  await expect.poll(() => generator.batches.length).toBe(1);
  const rest = [2, 3, 4].map((seed) => batcher.sample([request(seed)], never));
  generator.release();
  await Promise.all([first, ...rest]);
  expect(generator.batches).toEqual([[1], [2, 3, 4]]);
});

test('the work of a client that has gone is dropped before it is generated', async () => {
  const generator = echo();
  const batcher = createBatcher(generator);
  const client = new AbortController();
  const gone = batcher.sample([request(1), request(2)], client.signal);
  const kept = batcher.sample([request(3)], never);
  client.abort(new Error('client has gone'));
  await expect(gone).rejects.toThrow('client has gone');
  expect(tokens(await kept)).toEqual([3]);
  expect(generator.batches).toEqual([[3]]);
});

test('a full queue refuses with 429 and takes requests again when it is drained', async () => {
  const generator = echo();
  generator.hold();
  const batcher = createBatcher(generator);
  const first = batcher.sample([request(0)], never);
  await expect.poll(() => generator.batches.length).toBe(1);
  const many = Array.from({ length: 8192 }, (_, i) => request(i));
  const waiting = batcher.sample(many, never);
  await expect(batcher.sample([request(1)], never)).rejects.toMatchObject({
    status: 429,
    headers: { 'retry-after': '1' },
  });
  generator.release();
  await Promise.all([first, waiting]);
  expect(tokens(await batcher.sample([request(5)], never))).toEqual([5]);
  await expect(batcher.sample([...many, request(1)], never)).rejects.toMatchObject({ status: 400 });
});

test('a batch has at most 65,536 positions, but always at least one sample', async () => {
  const generator = echo();
  const batcher = createBatcher(generator);
  await batcher.sample(
    [1, 2, 3].map((seed) => request(seed, 30_000)),
    never,
  );
  await batcher.sample([request(4, 100_000), request(5)], never);
  expect(generator.batches).toEqual([[1, 2], [3], [4], [5]]);
});

test('a failed batch fails its own requests only', async () => {
  const generator = echo();
  const batcher = createBatcher({
    generate: async (batch) => {
      if (batch.some(({ seed }) => seed === 1)) throw new Error('kernel broke');
      return generator.generate(batch);
    },
  });
  await expect(batcher.sample([request(1)], never)).rejects.toThrow('kernel broke');
  expect(tokens(await batcher.sample([request(2)], never))).toEqual([2]);
});

test('drained waits for all that was asked for', async () => {
  const generator = echo();
  const batcher = createBatcher(generator);
  const sample = batcher.sample([request(1)], never);
  await batcher.drained();
  expect(generator.batches).toEqual([[1]]);
  expect(tokens(await sample)).toEqual([1]);
});
