import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Asked {
  model: string;
  prompt: string;
  seed?: number;
  temperature?: number;
}

/** What a test makes of a request: the body of a 200, another status, or nothing at all for as long as the test likes. */
export interface Reply {
  status?: number;
  headers?: Record<string, string>;
  body: unknown;
}

export interface InstantModelServer extends AsyncDisposable {
  readonly url: string;
  /** Names in the order of their loads. */
  readonly loads: readonly string[];
  /** Completions answered with a text. */
  readonly completions: number;
  /** Replaces the answer to completions from now on; undefined answers normally again. */
  answerWith(reply: ((asked: Asked) => Promise<Reply> | Reply) | undefined): void;
}

/** What the server says to a request: a word of the prompt that the seed chooses, the first one when greedy. */
export function textFor({ prompt, seed = 0, temperature = 1 }: Asked): string {
  const words = prompt.split(/\s+/).filter((word) => word !== '');
  return ` ${words[temperature === 0 ? 0 : seed % words.length] ?? ''}`;
}

/** A model server without a model, with the routes of `tinylm serve`: it answers at once, so that what is measured is everything else. */
export async function startInstantModelServer(): Promise<InstantModelServer> {
  const models = new Map<string, number>();
  const loads: string[] = [];
  let completions = 0;
  let special: ((asked: Asked) => Promise<Reply> | Reply) | undefined;

  async function answer(request: IncomingMessage): Promise<Reply> {
    const body = request.method === 'POST' ? await readJson(request) : undefined;
    if (request.url === '/v1/models' && body !== undefined) {
      const { id } = body as { id: string };
      if (!models.has(id)) loads.push(id);
      models.set(id, models.get(id) ?? loads.length);
      return { status: 201, body: { id } };
    }
    if (request.url === '/v1/models') {
      const data = [...models].map(([id, created]) => ({ id, object: 'model', created }));
      return { body: { object: 'list', data } };
    }
    if (request.url === '/v1/completions/batch') {
      const { completions: asks } = body as { completions: Asked[] };
      const replies = await Promise.all(asks.map(complete));
      return { body: { replies: replies.map((reply) => ({ status: 200, ...reply })) } };
    }
    return complete(body as Asked);
  }

  async function complete(asked: Asked): Promise<Reply> {
    if (special !== undefined) return special(asked);
    if (!models.has(asked.model))
      return { status: 404, body: { error: { message: `${asked.model} is not loaded` } } };
    completions += 1;
    return { body: completionOf(asked.model, textFor(asked)) };
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    send(response, await answer(request));
  }

  const server = createServer((request, response) => {
    void serve(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    loads,
    get completions() {
      return completions;
    },
    answerWith: (reply) => {
      special = reply;
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** The body of a completion with one choice. */
export function completionOf(model: string, text: string): object {
  return {
    id: 'cmpl-1',
    object: 'text_completion',
    created: 0,
    model,
    choices: [{ index: 0, text, finish_reason: 'stop', logprobs: null }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

function send(response: ServerResponse, { status = 200, headers, body }: Reply): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}
