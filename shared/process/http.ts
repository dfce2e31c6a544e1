import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { messageOf, PermanentError } from '../contract/failure.ts';

export interface HttpOptions {
  host: string;
  /** 0 takes any free port. */
  port: number;
  registry: Registry;
  /** Whether the peer can do its work now: what /readyz says. */
  ready: () => boolean;
}

export interface HttpServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves /metrics, /healthz and /readyz. Throws PermanentError when the port cannot be had. */
export async function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const { host, port, registry, ready } = options;
  const server = createServer((request, response) => {
    answer(request, response, registry, ready).catch((error: unknown) => {
      reply(response, 500, messageOf(error));
    });
  });
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    throw new PermanentError(
      `cannot serve HTTP on ${host}:${port}: ${messageOf(error)}. Free the port, or set RESET_HTTP_PORT to another one (0 takes any)`,
      { cause: error },
    );
  }
  const address = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  registry: Registry,
  ready: () => boolean,
): Promise<void> {
  switch (request.url) {
    case '/metrics':
      response.setHeader('content-type', registry.contentType);
      reply(response, 200, await registry.metrics());
      return;
    case '/healthz':
      reply(response, 200, 'ok\n');
      return;
    case '/readyz':
      reply(response, ready() ? 200 : 503, ready() ? 'ready\n' : 'not ready\n');
      return;
    default:
      reply(response, 404, 'there are /metrics, /healthz and /readyz\n');
  }
}

function reply(response: ServerResponse, status: number, body: string): void {
  response.statusCode = status;
  response.end(body);
}
