import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { ApiError, stopping } from './api-error.ts';
import { answer, type Reply } from './api.ts';
import type { Registry } from './registry.ts';

const MAX_BODY_BYTES = 8_000_000;

export interface ServerDeps {
  registry: Registry;
  log: Logger;
  /** From its abort on new requests are refused; those in hand are finished. */
  stop: AbortSignal;
}

export interface CompletionServer {
  /** Not listening yet. */
  http: Server;
  /** Closes the server; resolves when the requests in hand are answered. */
  drain(): Promise<void>;
}

/** An HTTP server of the completions API. */
export function createCompletionServer(deps: ServerDeps): CompletionServer {
  const inHand = new Set<Promise<unknown>>();
  const http = createServer((request, response) => {
    const closed = new Promise((resolve) => response.once('close', resolve));
    inHand.add(closed);
    void closed.then(() => inHand.delete(closed));
    void handle(request, response, deps);
  });
  // Longer than the idle time of common clients, so that none writes on a connection that is just being closed.
  http.keepAliveTimeout = 65_000;
  http.requestTimeout = 30_000;
  const drain = async () => {
    const closed = once(http, 'close');
    http.close();
    while (inHand.size > 0) await Promise.all(inHand);
    // Connections without a request would hold the server until they time out.
    http.closeAllConnections();
    await closed;
  };
  return { http, drain };
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  { registry, log, stop }: ServerDeps,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  try {
    if (stop.aborted) throw stopping();
    const body = await readAll(request);
    const { method = 'GET', url = '/' } = request;
    const [path = '/'] = url.split('?');
    send(response, await answer({ method, path, body, signal: gone.signal }, registry));
  } catch (error) {
    if (request.socket.destroyed) return; // nobody is there to hear it
    if (!(error instanceof ApiError)) log.error({ err: error, url: request.url }, 'request failed');
    send(response, error instanceof ApiError ? error : internal());
  }
}

function internal(): ApiError {
  return new ApiError(500, 'the server failed, its log says why');
}

/** The whole body. What is too much is read and thrown away, because a client that still writes hears no answer. */
async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (size <= MAX_BODY_BYTES) return Buffer.concat(chunks);
  const message = `the body has ${size} bytes, at most ${MAX_BODY_BYTES} are read: send fewer prompts at once`;
  throw new ApiError(413, message);
}

function send(response: ServerResponse, { status, body, headers }: Reply): void {
  const json = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': json.length,
    ...headers,
  });
  response.end(json);
}
