import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  health,
  trainCheckpoint,
  post,
  postTogether,
  startTinylm,
  type TinylmServer,
} from '../support/tinylm.ts';

const model = 'tiny';
const prompt = 'Where does Ada live?';

let dir: string;
let checkpoint: string;
let server: TinylmServer;
let client: OpenAI;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tinylm-'));
  checkpoint = await trainCheckpoint(join(dir, 'job'));
  server = await startTinylm('--workers', '2');
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });
  await load(model, checkpoint);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const load = (id: string, path: string) => post(server, '/v1/models', { id, path });

type Ask = Omit<OpenAI.CompletionCreateParamsNonStreaming, 'model'> & { top_k?: number };

async function texts(ask: Ask): Promise<string[]> {
  const completion = await client.completions.create({ model, ...ask });
  return completion.choices.map(({ text }) => text);
}

test('a completion has the shape of the OpenAI API', async () => {
  const completion = await client.completions.create({ model, prompt, max_tokens: 4, seed: 1 });
  expect(completion).toMatchObject({ object: 'text_completion', model });
  const [choice] = completion.choices;
  expect(choice).toMatchObject({ index: 0, logprobs: null, text: expect.any(String) as string });
  expect(['stop', 'length']).toContain(choice?.finish_reason);
  const { prompt_tokens, completion_tokens, total_tokens } = completion.usage ?? {};
  expect(prompt_tokens).toBe(5);
  expect(completion_tokens).toBeLessThanOrEqual(4);
  expect(total_tokens).toBe((prompt_tokens ?? 0) + (completion_tokens ?? 0));
});

test('choice i of a prompt is what seed + i gives alone, prompts in their order', async () => {
  const prompts = [prompt, 'Bob lives in'];
  const together = await texts({ prompt: prompts, n: 3, seed: 7, max_tokens: 8 });
  const alone: string[] = [];
  for (const one of prompts)
    for (const seed of [7, 8, 9])
      alone.push(...(await texts({ prompt: one, seed, max_tokens: 8 })));
  expect(together).toEqual(alone);
  expect(new Set(together).size).toBeGreaterThan(1);
});

test('the same seed gives the same text, no seed another one, temperature 0 the greedy one', async () => {
  const ask = { prompt, max_tokens: 24 };
  expect(await texts({ ...ask, seed: 3 })).toEqual(await texts({ ...ask, seed: 3 }));
  expect(await texts(ask)).not.toEqual(await texts(ask));
  const greedy = await texts({ ...ask, temperature: 0, seed: 1 });
  expect(await texts({ ...ask, temperature: 0, seed: 2 })).toEqual(greedy);
  expect(await texts({ ...ask, top_k: 1, seed: 2 })).toEqual(greedy);
});

test('a request gets the same text alone and among thirty others', async () => {
  const ask = { prompt, seed: 11, max_tokens: 16, temperature: 0.7, n: 3 };
  const alone = await texts(ask);
  const others = Array.from({ length: 30 }, (_, i) =>
    texts({
      prompt: i % 3 === 0 ? prompt : `${'Ada lives in Paris. '.repeat(i)}?`,
      seed: i,
      max_tokens: 1 + i,
      temperature: i / 10,
      top_k: i,
      n: 1 + (i % 4),
    }),
  );
  expect(await texts(ask)).toEqual(alone);
  await Promise.all(others);
});

test('equal prompts of a request are prefilled once, whatever the seeds', async () => {
  const once = await prefilledBy(() => texts({ prompt, max_tokens: 2 }));
  expect(once).toBeGreaterThanOrEqual(5);
  const before = await health(server);
  expect(await prefilledBy(() => texts({ prompt: [prompt, prompt], n: 4, max_tokens: 2 }))).toBe(
    once,
  );
  expect((await health(server)).generated_tokens).toBeGreaterThan(before.generated_tokens);
});

test('equal prompts of requests that arrive together are prefilled once, whatever their sampling fields', async () => {
  const once = await prefilledBy(() => texts({ prompt, max_tokens: 2 }));
  const asks = [
    { temperature: 0 },
    { temperature: 0.7, seed: 5, n: 3 },
    { top_k: 3, max_tokens: 7 },
    { logprobs: 0, stop: '.' },
  ];
  const bodies = asks.map((ask) => JSON.stringify({ model, prompt, max_tokens: 2, ...ask }));
  const together = await prefilledBy(async () => {
    expect(await postTogether(server, '/v1/completions', bodies)).toMatchObject([
      { choices: [{ index: 0 }] },
      { choices: [{ index: 0 }, { index: 1 }, { index: 2 }] },
      { choices: [{ index: 0 }] },
      { choices: [{ index: 0, logprobs: { tokens: expect.any(Array) as string[] } }] },
    ]);
  });
  expect(together).toBe(once);
});

async function prefilledBy(work: () => Promise<unknown>): Promise<number> {
  const before = await health(server);
  await work();
  return (await health(server)).prefilled_tokens - before.prefilled_tokens;
}

test('completions of a batch are what they would be alone, and one that is refused takes no other with it', async () => {
  const asks = [
    { model, prompt, seed: 5, max_tokens: 8 },
    { model, prompt, max_tokens: 8, n: 65 },
    { model: 'gone', prompt },
    { model, prompt: 'Bob lives in', temperature: 0, max_tokens: 8 },
  ];
  const { status, body } = await post(server, '/v1/completions/batch', { completions: asks });
  expect(status).toBe(200);
  const { replies } = body as { replies: { status: number; body: OpenAI.Completion }[] };
  expect(replies.map((reply) => reply.status)).toEqual([200, 400, 404, 200]);
  const [first, , , last] = replies.map((reply) => reply.body.choices?.[0]?.text);
  expect([first]).toEqual(await texts({ prompt, seed: 5, max_tokens: 8 }));
  expect([last]).toEqual(await texts({ prompt: 'Bob lives in', temperature: 0, max_tokens: 8 }));
});

test('a stop string ends the text before it', async () => {
  const ask = { prompt, seed: 2, max_tokens: 24, logprobs: 0 };
  const [whole = ''] = await texts(ask);
  const stop = whole.slice(5, 8);
  const { choices } = await client.completions.create({ model, ...ask, stop: ['never', stop] });
  expect(choices[0]).toMatchObject({
    text: whole.slice(0, whole.indexOf(stop)),
    finish_reason: 'stop',
  });
  for (const offset of choices[0]?.logprobs?.text_offset ?? [])
    expect(offset).toBeLessThan(whole.indexOf(stop));
});

test('logprobs come for each chosen token with its place in the text', async () => {
  const { choices, usage } = await client.completions.create({
    model,
    prompt,
    seed: 2,
    max_tokens: 12,
    logprobs: 1,
  });
  const { tokens = [], token_logprobs = [], text_offset = [] } = choices[0]?.logprobs ?? {};
  expect(tokens).toHaveLength(usage?.completion_tokens ?? -1);
  expect(text_offset).toHaveLength(tokens.length);
  expect(text_offset[0]).toBe(0);
  expect(token_logprobs.every((value) => value <= 0 && Number.isFinite(value))).toBe(true);
});

test.each([
  '',
  '👩🏽‍🚀🎉',
  'مرحبا بالعالم',
  '\0\u0001\u007f\r\n\t',
  '\ufeffBOM',
  '漢字 кот a\u0301',
  '\ud800',
])('any text goes in and comes out: %j', async (text) => {
  const completion = await client.completions.create({ model, prompt: text, max_tokens: 30 });
  expect(completion.usage?.prompt_tokens).toBe(tokensOf(text));
  const [answer] = await texts({ prompt: text, n: 20, max_tokens: 10, temperature: 3, seed: 1 });
  expect(answer).toBe(Buffer.from(answer ?? '').toString());
});

/** No word of these texts is in the vocabulary of the checkpoint: two tokens a byte. */
const tokensOf = (text: string) => 2 * Buffer.byteLength(text);

test('what the client got wrong is named, with the status and shape of the OpenAI API', async () => {
  const ask = { model, prompt };
  const cases: [string, unknown, number, string][] = [
    ['/v1/completions', { ...ask, model: 'gone' }, 404, 'model "gone" is not loaded'],
    ['/v1/completions', { ...ask, top_p: 0.5 }, 400, 'top_p: is not supported'],
    ['/v1/completions', { ...ask, tools: [] }, 400, 'tools: not supported by this server'],
    ['/v1/completions', { ...ask, n: 65 }, 400, 'n: '],
    ['/v1/completions', { ...ask, temperature: 1e-9 }, 400, 'temperature: must be 0 (greedy)'],
    ['/v1/completions', { ...ask, max_tokens: 252 }, 400, 'exceed the 256 positions'],
    ['/v1/completions', { ...ask, prompt: 'x'.repeat(8_000_000) }, 413, 'at most 8000000'],
    ['/v1/completions/batch', { completions: [] }, 400, 'must hold at least one request'],
    ['/v1/models', { id: 'a', path: join(dir, 'nowhere') }, 422, 'config.json: is missing'],
    ['/v1/models', { id: model, path: dir }, 409, 'use another id'],
    ['/v1/chat/completions', ask, 404, 'no such route'],
    ['/health', ask, 405, 'takes GET'],
  ];
  for (const [path, body, status, message] of cases) {
    const answer = await post(server, path, body);
    expect(answer).toMatchObject({
      status,
      body: { error: { message: expect.stringContaining(message) as string } },
    });
  }
});

test('a damaged checkpoint is refused and its name stays free', async () => {
  const broken = join(dir, 'broken');
  await mkdir(broken);
  await writeFile(join(broken, 'config.json'), '{"model_type":"llama"}');
  expect(await load('broken', broken)).toMatchObject({
    status: 422,
    body: { error: { code: 'bad_checkpoint', message: expect.stringContaining(broken) as string } },
  });
  expect((await load('broken', checkpoint)).status).toBe(201);
  await fetch(`${server.url}/v1/models/broken`, { method: 'DELETE' });
});
