/**
 * A server of fixed speed as a process of its own: `fork(program, [options as JSON])`; sends its URL, then what it counts ten times a second,
 * and ends with its parent. It speaks as vLLM does: completions with `n`, `/v1/models`, `/metrics` under vLLM's names.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sha256 } from '../../../shared/contract/ids.ts';
import { createEngine } from './engine.ts';
import type { EngineOptions, Tick } from './engine-process.ts';

interface Asked {
  readonly model: string;
  readonly prompt: string;
  readonly max_tokens: number;
  readonly temperature: number;
  readonly seed: number;
  readonly n?: number;
  readonly logprobs?: number;
  readonly cache_salt?: string;
}

const TICK_MS = 100;
const GREEDY_BELOW = 1e-5;
/** What it lets queue up: all that is ever asked of it here. */
const BACKLOG = 4096;

process.on('disconnect', () => process.exit(0));

const { name, ...speed } = JSON.parse(process.argv[2] ?? '') as EngineOptions;
const engine = createEngine(speed);
const took: number[] = [];

/** Tokens of an answer, a quarter to all of what is allowed, and its text of four characters a token: always the same. */
function answerTo({ prompt, temperature, max_tokens: most }: Asked, seed: number) {
  const key = temperature < GREEDY_BELOW ? prompt : `${seed} ${prompt}`;
  const digest = sha256(key);
  const least = Math.ceil(most / 4);
  const tokens = least + (Number.parseInt(digest.slice(0, 8), 16) % (most - least + 1));
  const text = ` ${digest.slice(8, 11)}`.repeat(tokens);
  return { text, tokens };
}

async function complete(asked: Asked): Promise<{ status: number; body: object }> {
  const { model, prompt, temperature, n = 1, cache_salt: salt = '', logprobs } = asked;
  if (model !== name) return { status: 404, body: { error: { message: `no model ${model}` } } };
  if (temperature < GREEDY_BELOW && n > 1)
    return { status: 400, body: { error: { message: 'n must be 1 when using greedy sampling' } } };
  const from = performance.now();
  const answers = Array.from({ length: n }, (_, i) => answerTo(asked, asked.seed + i));
  await Promise.all(answers.map(({ tokens }) => engine.run({ salt, prompt, tokens })));
  for (let i = 0; i < n; i += 1) took.push(performance.now() - from);
  const choices = answers.map(({ text, tokens }, index) => ({
    index,
    text,
    finish_reason: tokens === asked.max_tokens ? 'length' : 'stop',
    logprobs: logprobs === undefined ? null : tell(text, tokens),
  }));
  const written = answers.reduce((sum, { tokens }) => sum + tokens, 0);
  const usage = { prompt_tokens: 1, completion_tokens: written, total_tokens: written + 1 };
  return { status: 200, body: { id: 'cmpl-1', object: 'text_completion', model, choices, usage } };
}

function tell(text: string, tokens: number): object {
  const pieces = Array.from({ length: tokens }, (_, at) => text.slice(at * 4, at * 4 + 4));
  return { tokens: pieces, token_logprobs: pieces.map(() => -0.25) };
}

function metrics(): string {
  const { running, waiting, generated, prompted, cached, finished } = engine.counts();
  return Object.entries({
    num_requests_running: running,
    num_requests_waiting: waiting,
    kv_cache_usage_perc: (running / speed.slots) * 0.9,
    generation_tokens_total: generated,
    prompt_tokens_total: prompted,
    prefix_cache_queries_total: prompted,
    prefix_cache_hits_total: cached,
    request_success_total: finished,
  })
    .map(([metric, value]) => `vllm:${metric}{model_name="${name}"} ${value}\n`)
    .join('');
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url, method } = request;
  if (method === 'GET' && url === '/metrics') {
    response.writeHead(200, { 'content-type': 'text/plain' }).end(metrics());
    return;
  }
  const { status, body } =
    url === '/v1/completions'
      ? await complete(await readJson(request))
      : { status: 200, body: { object: 'list', data: [{ id: name, object: 'model' }] } };
  const text = JSON.stringify(body);
  response
    .writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    })
    .end(text);
}

async function readJson(request: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Asked;
}

const server = createServer((request, response) => {
  void serve(request, response);
});
// Whoever waits for a slow answer to another request keeps the connections that it has.
server.keepAliveTimeout = 600_000;
server.listen({ port: 0, host: '127.0.0.1', backlog: BACKLOG });
await once(server, 'listening');
process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
setInterval(() => {
  const tick: Tick = { ...engine.counts(), at: performance.now(), took: took.splice(0) };
  process.send?.(tick);
}, TICK_MS);
