/**
 * A model server without a model that is as particular as the engine that it stands for: it refuses what that refuses, fills missing fields
 * with what that fills in, and names, lists and switches models as that does. Real HTTP on loopback.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { createAdapters } from './fake-adapters.ts';
import { missing, refusal, type Reply } from './fake-reply.ts';

export type EngineName = 'vllm' | 'sglang' | 'llamacpp' | 'transformers';

export interface Asked {
  model: string;
  prompt: string;
  n?: number;
  temperature?: number;
  top_k?: number;
  top_p?: number;
  min_p?: number;
  repetition_penalty?: number;
  repeat_penalty?: number;
  seed?: number;
  logprobs?: number;
  generation_config?: string;
  [field: string]: unknown;
}

/** What a field is where the request leaves it out: the model's generation_config.json, or the server's own idea. */
const generationConfig = { temperature: 0.6, top_k: 20, top_p: 0.95, repetition_penalty: 1.05 };
const defaults: Record<EngineName, object> = {
  transformers: generationConfig,
  vllm: { ...generationConfig, min_p: 0, presence_penalty: 0, frequency_penalty: 0 },
  sglang: { ...generationConfig, min_p: 0, presence_penalty: 0, frequency_penalty: 0 },
  llamacpp: { temperature: 0.8, top_k: 40, top_p: 0.95, min_p: 0.05, repeat_penalty: 1.1 },
};

export interface FakeEngineOptions {
  engine: EngineName;
  /** The name that it was started with. */
  name: string;
  /** What its answers depend on: a word, or the folder of a checkpoint whose config.json has it. */
  weights: string;
  /** 0 takes any free port. */
  port?: number;
  /** Tokens of a prompt and its answer that it takes, listed by its models, and how it counts those of a prompt. */
  window?: { most: number; count: (prompt: string) => number };
  /** An update of the weights succeeds and changes nothing. */
  stale?: boolean;
  /** vLLM's routes for new weights are there. */
  development?: boolean;
  /** vLLM's route for adapters is there, and takes those of at most this rank. */
  maxLoraRank?: number;
}

export interface FakeEngine extends AsyncDisposable {
  readonly url: string;
  /** Requests for completions, the refused ones too. */
  readonly asked: readonly Asked[];
  /** With what the answered ones were sampled. */
  readonly sampled: readonly Asked[];
  /** What /metrics says; without it there is none. */
  queue: { running: number; waiting: number; cache: number } | undefined;
  /** Called before a sampled request is answered. */
  before: ((asked: Asked) => Promise<void> | void) | undefined;
}

/** The greedy answer of weights to a prompt: a text, and a log probability for each of its two tokens. */
export function greedyAnswer(weights: string, prompt: string) {
  const pieces = [` ${weights}`, ` ${prompt.slice(0, 8)}`];
  const logprobs = [-0.1, -(1 + Number.parseInt(weights.slice(0, 2), 16) / 100 || 1)];
  return { text: pieces.join(''), pieces, logprobs };
}

/** The probe that the training program would have written. */
export function probeOf(weights: string, prompts = ['one two', 'three four']) {
  return prompts.map((prompt) => {
    const { text, logprobs } = greedyAnswer(weights, prompt);
    return { prompt, tokens: [1, 2], text, logprobs };
  });
}

export async function startFakeEngine(options: FakeEngineOptions): Promise<FakeEngine> {
  const { engine, name, stale = false, development = false, maxLoraRank, window } = options;
  const asked: Asked[] = [];
  const sampled: Asked[] = [];
  const adapters = createAdapters(maxLoraRank);
  let weights = weightsOf(options.weights);
  let version = 'default';
  let isPaused = false;

  async function answer(request: IncomingMessage, url: string): Promise<Reply | string> {
    const body = request.method === 'POST' ? await json(request) : {};
    switch (url) {
      case '/v1/models': {
        // transformers lists what the hub's cache has, never a folder.
        const names = engine === 'transformers' ? [] : [name, ...adapters.names()];
        const data = names.map((id) => ({
          id,
          object: 'model',
          created: now(),
          ...(window === undefined ? {} : { max_model_len: window.most }),
        }));
        return { body: { object: 'list', data } };
      }
      case '/v1/completions':
        return complete(body as Asked);
      case '/metrics':
        return fake.queue === undefined || engine === 'transformers'
          ? missing(url)
          : metrics(fake.queue, gauges[engine]);
      case '/health':
        return { body: { status: 'ok' } };
      case '/v1/load_lora_adapter':
        return adapters.load(body as Record<string, string>) ?? missing(url);
      case '/weight_info':
      case '/update_weight_version':
      case '/pause?mode=wait&clear_cache=true':
      case '/collective_rpc':
      case '/resume':
        return engine === 'vllm' && development
          ? reload(url, body as Record<string, string>)
          : missing(url);
      case '/model_info':
        return engine === 'sglang'
          ? { body: { model_path: weights, weight_version: version } }
          : missing(url);
      case '/update_weights_from_disk':
        return engine === 'sglang' ? update(body as Record<string, string>) : missing(url);
      default:
        return missing(url);
    }
  }

  function reload(url: string, { new_version: to = '', ...body }: Record<string, unknown>): Reply {
    if (url.startsWith('/update')) version = String(to);
    if (url.startsWith('/pause') || url === '/resume') isPaused = url !== '/resume';
    const { weights_path: path = '' } = (body['kwargs'] ?? {}) as Record<string, string>;
    if (url === '/collective_rpc' && !path.startsWith('/'))
      return { status: 500, body: { error: { message: `no weights in ${path}` } } };
    if (url === '/collective_rpc' && !stale) weights = weightsOf(path);
    return { body: { weight_version: version } };
  }

  function update(body: Record<string, string>): Reply {
    const { model_path: path = '', weight_version: to = '' } = body;
    if (!path.startsWith('/'))
      return { status: 400, body: { success: false, message: `no weights in ${path}` } };
    if (!stale) weights = weightsOf(path);
    version = to;
    return { body: { success: true, message: 'Succeeded to update model weights.' } };
  }

  async function complete(request: Asked): Promise<Reply> {
    asked.push(request);
    if (isPaused) return { status: 500, body: { error: { message: 'generation is paused' } } };
    const config = JSON.parse(request.generation_config ?? '{}') as object;
    const used = { n: 1, ...defaults[engine], ...config, ...request };
    const unknown = Object.keys(request).filter((field) => !known.has(field));
    if (engine === 'transformers' && unknown.length > 0)
      return {
        status: 422,
        body: { detail: `Unexpected fields in the request: ${unknown.join()}` },
      };
    if (engine === 'transformers') weights = weightsOf(request.model);
    const served = adapters.on(weights, request.model);
    if (engine === 'vllm' && request.model !== name && !adapters.names().includes(request.model))
      return {
        status: 404,
        body: { error: { message: `The model ${request.model} does not exist.` } },
      };
    const { max_tokens: room = 0 } = request as { max_tokens?: number };
    const length = window?.count(request.prompt) ?? 0;
    if (window !== undefined && length + room > window.most)
      return refusal(
        `This model's maximum context length is ${window.most} tokens. However, you requested ${room} output tokens and your prompt contains ${length} input tokens.`,
      );
    const greedy = (used.temperature ?? 1) < 1e-5;
    if (engine === 'vllm' && greedy && used.n > 1)
      return refusal(`n must be 1 when using greedy sampling, got ${used.n}.`);
    if (engine === 'sglang' && (used.top_k ?? 0) < 1 && used.top_k !== -1)
      return refusal(`top_k must be -1 (disable) or at least 1, got ${used.top_k}.`);
    if (engine === 'llamacpp' && used.n > 1) return refusal(`n_cmpl must be at most 1`);
    if (!greedy) {
      await fake.before?.(request);
      sampled.push(used);
    }
    const choices = Array.from({ length: used.n }, (_, index) => {
      const { text, pieces, logprobs } = greedy
        ? greedyAnswer(served, request.prompt)
        : sampleOf(served, (request.seed ?? 0) + index);
      const told =
        request.logprobs === undefined || engine === 'transformers' ? null : tell(pieces, logprobs);
      return { index, text, finish_reason: 'stop', logprobs: told };
    });
    // llama.cpp answers under the name of its start, whatever it is asked for.
    const answeredAs = { llamacpp: name, transformers: `${request.model}@main` };
    const model = engine in answeredAs ? answeredAs[engine as 'llamacpp'] : request.model;
    return { body: { object: 'text_completion', created: now(), model, choices, usage } };
  }

  function tell(pieces: readonly string[], logprobs: readonly number[]): object {
    if (engine !== 'llamacpp') return { tokens: pieces, token_logprobs: logprobs };
    return { content: pieces.map((token, i) => ({ token, logprob: logprobs[i] })) };
  }

  function metrics(
    { running, waiting, cache }: NonNullable<FakeEngine['queue']>,
    [isRunning, isWaiting, inUse]: [string, string, string],
  ): string {
    return `${isRunning}{model_name="${name}"} ${running}\n${isWaiting}{model_name="${name}"} ${waiting}\n${inUse} ${cache}\n`;
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = await answer(request, request.url ?? '');
    const [status, type, text] =
      typeof reply === 'string'
        ? [200, 'text/plain', reply]
        : [reply.status ?? 200, 'application/json', JSON.stringify(reply.body)];
    response.writeHead(status, { 'content-type': type }).end(text);
  }

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const fake: FakeEngine = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    sampled,
    queue: undefined,
    before: undefined,
    [Symbol.asyncDispose]: async () => {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return fake;
}

function weightsOf(word: string): string {
  if (!word.startsWith('/')) return word;
  const config: unknown = JSON.parse(readFileSync(join(word, 'config.json'), 'utf8'));
  return (config as { weights: string }).weights;
}

/** What weights say to a seed. */
export function sampleOf(weights: string, seed: number) {
  const text = ` ${weights}:${seed}`;
  return { text, pieces: [text], logprobs: [-1] };
}

const gauges: Record<Exclude<EngineName, 'transformers'>, [string, string, string]> = {
  vllm: ['vllm:num_requests_running', 'vllm:num_requests_waiting', 'vllm:kv_cache_usage_perc'],
  sglang: ['sglang:num_running_reqs', 'sglang:num_queue_reqs', 'sglang:token_usage'],
  llamacpp: [
    'llamacpp:requests_processing',
    'llamacpp:requests_deferred',
    'llamacpp:n_decode_total',
  ],
};

/** All that transformers takes. */
const known = new Set(
  'model prompt temperature top_p seed max_tokens generation_config frequency_penalty stop suffix stream'.split(
    ' ',
  ),
);

const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };

/** The time of the question, which is what these engines say of a model's creation. */
function now(): number {
  return Math.floor(Date.now() / 1000);
}
