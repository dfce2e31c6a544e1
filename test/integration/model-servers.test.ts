import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createClient, listModels } from '../../agents/sampler/servers/openai.ts';
import { PermanentError } from '../../shared/contract/failure.ts';
import { greedyAnswer, sampleOf } from '../support/fake-engine.ts';
import { drive, publishWeights, serve } from '../support/sampling.ts';
import { sampleUnit } from '../support/sampling-units.ts';

const off = { top_p: 1, min_p: 0, presence_penalty: 0, frequency_penalty: 0 };

test.each([
  ['vllm', { ...off, top_k: 0, repetition_penalty: 1 }],
  ['sglang', { ...off, top_k: -1, repetition_penalty: 1 }],
  ['llamacpp', { ...off, top_k: 0, repeat_penalty: 1, typical_p: 1, dry_multiplier: 0 }],
] as const)('%s is left no sampling field to fill in by itself', async (engine, neutral) => {
  const setup = await publishWeights();
  const server = await serve(setup, { engine });
  const { sample } = drive(setup, engine, server.url);
  const unit = sampleUnit(setup.checkpoint, ['one'], [{ seed: 7 }, { topK: 50, temperature: 1 }]);
  expect(await sample(unit)).toEqual([7, 1].map((seed) => sampleOf(setup.weights, seed).text));
  expect(server.sampled).toMatchObject([
    { ...neutral, temperature: 0.5, seed: 7, max_tokens: 8 },
    { ...neutral, temperature: 1, seed: 1, top_k: 50 },
  ]);
  for (const probe of server.asked.slice(0, 2))
    expect(probe).toMatchObject({ temperature: 0, ...neutral });
});

const stop = { text: '<end>', tokens: [1, 5] };

test.each([
  ['vllm', [1, 5], undefined],
  ['sglang', [1, 5], undefined],
  ['llamacpp', undefined, ['<end>']],
] as const)(
  '%s is told where an answer to a chat ends, and one of the probe',
  async (engine, ids, texts) => {
    const setup = await publishWeights();
    const server = await serve(setup, { engine });
    const { sample } = drive(setup, engine, server.url);
    const unit = sampleUnit(setup.checkpoint, ['one'], [{ seed: 7 }]);
    await sample({ ...unit, stop });
    expect(server.asked).toHaveLength(3);
    for (const { stop_token_ids: askedIds, stop: askedTexts } of server.asked)
      expect([askedIds, askedTexts]).toEqual([ids, texts]);
  },
);

test('vLLM gives samples of one setting in one request, greedy ones never, and keeps its cache by checkpoint', async () => {
  const setup = await publishWeights();
  const server = await serve(setup);
  const { sample } = drive(setup, 'vllm', server.url);
  const settings = [{ seed: 100 }, { seed: 5 }, { seed: 9, temperature: 0.9 }, { temperature: 0 }];
  const unit = sampleUnit(setup.checkpoint, ['one'], [...settings, { temperature: 0 }]);
  const greedy = greedyAnswer(setup.weights, 'one').text;
  const texts = [100, 101, 9].map((seed) => sampleOf(setup.weights, seed).text);
  expect(await sample(unit)).toEqual([...texts, greedy, greedy]);
  expect(server.sampled.map(({ n, seed }) => [n, seed])).toEqual([
    [2, 100],
    [1, 9],
  ]);
  expect(new Set(server.asked.map(({ cache_salt: salt }) => salt))).toEqual(
    new Set([unit.servedName]),
  );
});

test('a server that still has the old name is told how to be started, and asked nothing', async () => {
  const setup = await publishWeights();
  const server = await serve(setup, { name: 'reset-run-a-00000000' });
  const { sample } = drive(setup, 'vllm', server.url);
  const refused = sample(sampleUnit(setup.checkpoint, ['one'], [{}]));
  await expect(refused).rejects.toThrow(PermanentError);
  await expect(refused).rejects.toThrow(/does not serve reset-run-a-.*--served-model-name/);
  expect(server.asked).toEqual([]);
});

test('a server that takes fewer tokens than the prompts were made for is told of both numbers, and asked nothing', async () => {
  const setup = await publishWeights();
  const window = { most: 60, count: (prompt: string) => prompt.length };
  const server = await serve(setup, { window });
  const { sample } = drive(setup, 'vllm', server.url);
  const unit = sampleUnit(setup.checkpoint, ['one'], [{ seed: 7 }]);
  const refused = sample({ ...unit, window: 61 });
  await expect(refused).rejects.toThrow(PermanentError);
  await expect(refused).rejects.toThrow(/takes 60 tokens.*made for 61.*window: 60/);
  expect(server.asked).toEqual([]);
  for (const whole of [unit, { ...unit, window: 60 }])
    expect(await sample(whole)).toEqual([sampleOf(setup.weights, 7).text]);
});

test.each(['vllm', 'sglang', 'llamacpp'] as const)(
  'stale weights under the new name are not sampled from (%s)',
  async (engine) => {
    const setup = await publishWeights();
    const server = await serve(setup, { engine, weights: 'bb weights' });
    const { sample } = drive(setup, engine, server.url);
    const refused = sample(sampleUnit(setup.checkpoint, ['one'], [{}]));
    await expect(refused).rejects.toThrow(
      /does not serve the checkpoint.*2 of 2 probe prompts differ/,
    );
    expect(server.sampled).toEqual([]);
  },
);

const prompts = Array.from({ length: 24 }, (_, i) => `prompt ${i}`);

test('of two servers that differ the wrong one is named and never asked for a sample', async () => {
  const setup = await publishWeights();
  const right = await serve(setup);
  const wrong = await serve(setup, { weights: 'bb weights' });
  const { sample, lines } = drive(setup, 'vllm', [wrong.url, right.url]);
  const texts = await sample(sampleUnit(setup.checkpoint, prompts, [{}]));
  expect(new Set(texts)).toEqual(new Set([sampleOf(setup.weights, 0).text]));
  expect(wrong.sampled).toEqual([]);
  expect(lines.filter((line) => line.includes(wrong.url) && line.includes('differ'))).toHaveLength(
    1,
  );
});

test('a prompt keeps to its server, and both have some', async () => {
  const setup = await publishWeights();
  const servers = [await serve(setup), await serve(setup)];
  const { sample } = drive(
    setup,
    'vllm',
    servers.map(({ url }) => url),
  );
  await sample(sampleUnit(setup.checkpoint, prompts, [{ temperature: 0.1 }, { temperature: 0.2 }]));
  await sample(sampleUnit(setup.checkpoint, prompts, [{ temperature: 0.3 }]));
  const [one, other] = servers.map(({ sampled }) => new Set(sampled.map(({ prompt }) => prompt)));
  expect([...(one ?? [])].filter((prompt) => other?.has(prompt))).toEqual([]);
  expect(one?.size).toBeGreaterThan(4);
  expect(other?.size).toBeGreaterThan(4);
});

test('a server that dies in the middle costs its requests under way alone, and is asked again when it is back', async () => {
  const setup = await publishWeights();
  const [lasting, dying] = [await serve(setup), await serve(setup)];
  const { sample, lines } = drive(setup, 'vllm', [lasting.url, dying.url]);
  const unit = sampleUnit(setup.checkpoint, prompts, [{}]);
  let answered = 0;
  dying.before = async () => {
    answered += 1;
    if (answered > 3) await dying[Symbol.asyncDispose]();
  };
  const texts = await sample(unit);
  expect(texts).toEqual(prompts.map(() => sampleOf(setup.weights, 0).text));
  expect(lasting.sampled.length + dying.sampled.length).toBeLessThan(prompts.length + 4);
  const before = dying.sampled.length;
  const port = Number(new URL(dying.url).port);
  const back = await serve(setup, { port });
  await expect
    .poll(
      async () => {
        await sample(unit);
        return back.sampled.length;
      },
      { timeout: 5000 },
    )
    .toBeGreaterThan(before);
  expect(lines.some((line) => line.includes('is asked again'))).toBe(true);
});

test.each(['vllm', 'sglang', 'llamacpp'] as const)(
  '%s whose queue grows is asked for less, before it fails',
  async (engine) => {
    const setup = await publishWeights();
    const server = await serve(setup, { engine });
    const { sample, replicas } = drive(setup, engine, server.url);
    await sample(sampleUnit(setup.checkpoint, prompts, [{}]));
    expect(replicas.limit).toBe(40);
    server.queue = { running: 4, waiting: 9, cache: 0 };
    const limit = async (): Promise<number> => {
      await sample(sampleUnit(setup.checkpoint, prompts.slice(0, 1), [{}]));
      return replicas.limit;
    };
    await expect.poll(limit, { timeout: 5000, interval: 100 }).toBeLessThan(21);
  },
);

test('connections that the server has closed meanwhile are no failure of it', async () => {
  const used = new WeakSet<Socket>();
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    // As a server does whose patience ends while a request is on its way.
    if (used.has(request.socket)) request.socket.destroy();
    else response.end(JSON.stringify({ object: 'list', data: [{ id: 'm', created: 1 }] }));
    used.add(request.socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createClient({ url, key: undefined });
  const ask = () => listModels(client, AbortSignal.timeout(5000));
  const listed = [{ name: 'm', since: 1 }];
  await Promise.all([ask(), ask(), ask()]);
  expect(await ask()).toEqual(listed);
  server.closeAllConnections();
  server.close();
  await expect(ask()).rejects.toThrow(/cannot reach the model server/);
});
