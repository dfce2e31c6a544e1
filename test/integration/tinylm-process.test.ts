import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  health,
  trainCheckpoint,
  post,
  startTinylm,
  type TinylmServer,
} from '../support/tinylm.ts';

let dir: string;
let checkpoint: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tinylm-'));
  checkpoint = await trainCheckpoint(join(dir, 'job'));
});

afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

const load = (server: TinylmServer, id: string) =>
  post(server, '/v1/models', { id, path: checkpoint });

const soon = { interval: 5 };

/** Enough work to be still in hand when the next line of a test runs: 512 samples. */
const prompts = Array.from({ length: 8 }, (_, i) => `Ada lives in ${i}`);
const long = { model: 'a', prompt: prompts, n: 64, max_tokens: 200, temperature: 3 };

test('a model is loaded once under its name, and the two most recently used are kept', async () => {
  await using server = await startTinylm();
  expect((await load(server, 'a')).status).toBe(201);
  expect((await load(server, 'a')).status).toBe(200);
  expect((await load(server, 'b')).status).toBe(201);
  expect((await post(server, '/v1/completions', { model: 'a', prompt: 'Ada' })).status).toBe(200);
  expect((await load(server, 'c')).status).toBe(201);
  expect((await health(server)).models).toEqual(['a', 'c']);
  const unloaded = await fetch(`${server.url}/v1/models/a`, { method: 'DELETE' });
  expect(unloaded.status).toBe(200);
  expect((await post(server, '/v1/completions', { model: 'a', prompt: 'Ada' })).status).toBe(404);
  expect((await health(server)).models).toEqual(['c']);
});

test('a model that gives way to newer ones finishes what it was asked', async () => {
  await using server = await startTinylm();
  const loads = await Promise.all([load(server, 'a'), load(server, 'a')]);
  expect(new Set(loads.map(({ status }) => status))).toEqual(new Set([200, 201]));
  const asked = post(server, '/v1/completions', long);
  await expect.poll(async () => (await health(server)).samples_in_hand, soon).toBe(512);
  await load(server, 'b');
  await load(server, 'c');
  expect((await health(server)).models).toEqual(['b', 'c']);
  expect((await post(server, '/v1/completions', long)).status).toBe(404);
  expect((await asked).status).toBe(200);
});

test('a full queue answers 429 with Retry-After, and what a gone client asked for is dropped', async () => {
  await using server = await startTinylm();
  await load(server, 'a');
  const client = new AbortController();
  const asked = { ...long, prompt: Array.from({ length: 60 }, (_, i) => `Ada lives in ${i}`) };
  const pending = [1, 2].map((seed) =>
    post(server, '/v1/completions', { ...asked, seed }, client.signal).catch(() => 'gone'),
  );
  await expect.poll(async () => (await health(server)).samples_in_hand, soon).toBeGreaterThan(6000);
  const refused = await post(server, '/v1/completions', asked);
  expect(refused).toMatchObject({ status: 429, body: { error: { code: 'overloaded' } } });
  expect(refused.headers.get('retry-after')).toBe('1');
  client.abort();
  expect(await Promise.all(pending)).toEqual(['gone', 'gone']);
  const short = { model: 'a', prompt: 'Ada', max_tokens: 1 };
  expect((await post(server, '/v1/completions', short)).status).toBe(200);
  const { samples_in_hand, generated_tokens } = await health(server);
  expect(samples_in_hand).toBe(0);
  expect(generated_tokens).toBeLessThan((2 * 60 * 64 * 200) / 4);
});

test('after SIGTERM the request in hand is finished, a new one refused, and the exit code is 0', async () => {
  await using server = await startTinylm();
  await load(server, 'a');
  const early = await open(server);
  const unused = await open(server);
  const inHand = post(server, '/v1/completions', long);
  await expect.poll(async () => (await health(server)).samples_in_hand, soon).toBe(512);
  const exit = once(server.process, 'exit');
  server.process.kill('SIGTERM');
  await expect.poll(() => server.log(), soon).toContain('stopping');
  early.write('GET /health HTTP/1.1\r\nHost: tinylm\r\n\r\n');
  expect(String(await once(early, 'data'))).toMatch(/^HTTP\/1.1 503 [^]*retry-after: 1/);
  expect((await inHand).status).toBe(200);
  expect(await exit).toEqual([0, null]);
  expect(unused.closed).toBe(true);
});

test('a client that leaves in the middle of its request is no error', async () => {
  await using server = await startTinylm();
  const client = await open(server);
  client.write('POST /v1/completions HTTP/1.1\r\nHost: tinylm\r\nContent-Length: 100\r\n\r\n{"mod');
  client.resetAndDestroy();
  await once(client, 'close');
  server.process.kill('SIGTERM');
  expect(await once(server.process, 'exit')).toEqual([0, null]);
  expect(server.log()).not.toContain('request failed');
});

test('it ends when its parent goes away', async () => {
  await using server = await startTinylm();
  const exit = once(server.process, 'exit');
  server.process.disconnect();
  expect(await exit).toEqual([0, null]);
});

test('a taken port ends it with a message that says what to do', async () => {
  await using server = await startTinylm();
  const { port } = new URL(server.url);
  await expect(startTinylm('--port', port)).rejects.toThrow(
    `port ${port} of 127.0.0.1 is taken: choose another, or 0 for a free one`,
  );
  await expect(startTinylm('--port', 'http')).rejects.toThrow('It must be an integer');
});

/** An open connection without a request. */
async function open({ url }: TinylmServer): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  return socket;
}
