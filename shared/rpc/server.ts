import { once } from 'node:events';
import { promisify } from 'node:util';
import {
  Server,
  ServerCredentials,
  status,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type sendUnaryData,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { messageOf, PermanentError, TransientError } from '../contract/failure.ts';
import type { Tls } from '../process/environment.ts';
import type { Logger } from '../process/logger.ts';
import { MAX_MESSAGE_BYTES } from './client.ts';
import { errorToStatus } from './failure.ts';

const GRACE_MS = 3000;

/** What `add` gets: services made of `handleUnary` and `handleStream` handlers. */
export interface Services {
  addService(service: ServiceDefinition, handlers: UntypedServiceImplementation): void;
}

export interface RpcOptions {
  host: string;
  /** 0 takes any free port. */
  port: number;
  tls?: Tls | undefined;
  log: Logger;
  add: (services: Services) => void;
}

export interface RpcServer {
  /** host:port, as presence shows it. */
  readonly address: string;
  /** Ends open streams, waits for calls in hand, and after 3 s ends those too. */
  close(): Promise<void>;
}

/** Serves gRPC with the health service; with `tls`, callers must show a certificate. Throws PermanentError when the port cannot be had. */
export async function serveRpc(options: RpcOptions): Promise<RpcServer> {
  const { host, port, tls, log, add } = options;
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  });
  const streams = new Set<OpenStream>();
  add({
    addService: (service, handlers) => {
      server.addService(service, watchHandlers(handlers, streams, log));
    },
  });
  new HealthImplementation({ '': 'SERVING' }).addToServer(server);
  const bound = await bind(server, host, port, tls);
  return {
    address: `${host.includes(':') ? `[${host}]` : host}:${bound}`,
    close: () => closeServer(server, streams),
  };
}

/** A handler of one answer. The signal aborts when the caller has gone. Errors become statuses by `errorToStatus`. */
export function handleUnary<TRequest, TResponse>(
  handle: (request: TRequest, signal: AbortSignal) => Promise<TResponse>,
): handleUnaryCall<TRequest, TResponse> {
  return (call, callback) => {
    const gone = new AbortController();
    call.on('cancelled', () => {
      gone.abort();
    });
    void answer(() => handle(call.request, gone.signal), callback);
  };
}

/**
 * A handler of a stream of answers; it waits while the caller is slow. The signal aborts when the caller has gone or the server stops:
 * what the iteration waits for must end then.
 */
export function handleStream<TRequest, TResponse>(
  handle: (request: TRequest, signal: AbortSignal) => AsyncIterable<TResponse>,
): handleServerStreamingCall<TRequest, TResponse> {
  return (call) => {
    const gone = new AbortController();
    const abort = (): void => {
      gone.abort();
    };
    call.on('cancelled', abort);
    call.on('error', abort);
    writeAll(call, handle(call.request, gone.signal), gone.signal).catch((error: unknown) => {
      if (!gone.signal.aborted) call.emit('error', errorToStatus(error));
    });
  };
}

async function answer<TResponse>(
  handle: () => Promise<TResponse>,
  callback: sendUnaryData<TResponse>,
): Promise<void> {
  let response: TResponse;
  try {
    response = await handle();
  } catch (error) {
    callback(errorToStatus(error));
    return;
  }
  callback(null, response);
}

async function writeAll<TRequest, TResponse>(
  call: ServerWritableStream<TRequest, TResponse>,
  messages: AsyncIterable<TResponse>,
  signal: AbortSignal,
): Promise<void> {
  for await (const message of messages) {
    if (signal.aborted) return;
    if (!call.write(message)) await once(call, 'drain', { signal });
  }
  if (!signal.aborted) call.end();
}

type OpenStream = ServerWritableStream<unknown, unknown>;
type UntypedHandler = UntypedServiceImplementation[string];
type Callback = sendUnaryData<unknown>;

/** Every service here has unary and server-streaming methods only; both get the call first, and unary ones a callback. */
function watchHandlers(
  handlers: UntypedServiceImplementation,
  streams: Set<OpenStream>,
  log: Logger,
): UntypedServiceImplementation {
  const watched: UntypedServiceImplementation = {};
  for (const [method, handler] of Object.entries(handlers)) {
    const handle = handler as (call: OpenStream, callback?: Callback) => void;
    const watch = (call: OpenStream, callback?: Callback): void => {
      if (callback !== undefined) {
        handle(call, (error, ...rest) => {
          logBug(error, method, log);
          callback(error, ...rest);
        });
        return;
      }
      streams.add(call);
      call.on('error', (error: Error) => {
        logBug(error, method, log);
      });
      call.on('close', () => streams.delete(call));
      call.on('cancelled', () => streams.delete(call));
      handle(call);
    };
    watched[method] = watch as UntypedHandler;
  }
  return watched;
}

function logBug(error: unknown, method: string, log: Logger): void {
  if (!(error instanceof Error) || !('code' in error) || error.code !== status.UNKNOWN) return;
  if (error.cause instanceof Error && error.cause.name === 'AbortError') return;
  log.error({ err: error.cause ?? error, method }, 'a handler threw what it should not');
}

async function bind(
  server: Server,
  host: string,
  port: number,
  tls: Tls | undefined,
): Promise<number> {
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(
          tls.ca,
          [{ private_key: tls.key, cert_chain: tls.certificate }],
          true,
        );
  try {
    const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    return await promisify(server.bindAsync.bind(server))(address, credentials);
  } catch (error) {
    throw new PermanentError(
      `cannot serve gRPC on ${host}:${port}: ${messageOf(error)}. Free the port, or set RESET_GRPC_PORT to another one (0 takes any)`,
      { cause: error },
    );
  }
}

async function closeServer(server: Server, streams: ReadonlySet<OpenStream>): Promise<void> {
  for (const stream of streams) {
    stream.emit('error', errorToStatus(new TransientError('the server is stopping')));
  }
  const force = setTimeout(() => {
    server.forceShutdown();
  }, GRACE_MS);
  try {
    await promisify(server.tryShutdown.bind(server))();
  } finally {
    clearTimeout(force);
  }
}
