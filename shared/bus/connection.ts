import {
  connect,
  errors,
  type ConnectionOptions,
  type NatsConnection,
} from '@nats-io/transport-node';
import { JetStreamApiError } from '@nats-io/jetstream';
import { messageOf, PermanentError, TransientError } from '../contract/failure.ts';
import type { Tls } from '../process/environment.ts';
import type { Logger } from '../process/logger.ts';
import { reconnectsCounter } from '../process/metrics.ts';
import { untilAborted } from '../process/signal.ts';

/** Older servers lose acknowledged messages or whole streams when they are killed. */
const MINIMUM_VERSION = [2, 10, 23] as const;

/** Each request to the bus; the caller decides whether to try again. */
export const REQUEST_TIMEOUT_MS = 3000;

/** JetStream's error codes that mean something here (server/errors.json of nats-server). */
export const apiCode = {
  consumerNotFound: 10014,
  insufficientStorage: 10047,
  messageTooLarge: 10054,
  streamNotFound: 10059,
  streamHasOtherConfig: 10058,
  wrongLastSequence: 10071,
  streamFull: 10077,
  consumerExists: 10148,
  wrongLastSequenceUnknown: 10164,
} as const;

export interface ConnectionDeps {
  natsUrl: string;
  /** Shown by the server's monitoring. */
  name: string;
  tls: Tls | undefined;
  log: Logger;
  signal: AbortSignal;
}

/** Connects and stays connected: waits for a server that is not there yet, and for one that is gone. Throws PermanentError for one that is too old. */
export async function connectNats(deps: ConnectionDeps): Promise<NatsConnection> {
  const { natsUrl, name, tls, log, signal } = deps;
  const options: ConnectionOptions = {
    servers: natsUrl,
    name,
    maxReconnectAttempts: -1,
    waitOnFirstConnect: true,
    reconnectTimeWait: 500,
    pingInterval: 5000,
    maxPingOut: 2,
    // Else each request makes two errors for their stacks, a tenth of all that a small unit costs.
    noAsyncTraces: true,
    ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
  };
  log.info({ natsUrl }, 'connecting to the bus');
  const connection = await untilAborted(connect(options), signal);
  const version = connection.info?.version ?? 'unknown';
  if (!isRecent(version)) {
    await connection.close();
    throw new PermanentError(
      `nats-server at ${natsUrl} is ${version}: ${MINIMUM_VERSION.join('.')} or newer is needed, older ones lose acknowledged messages. Upgrade it (https://nats.io/download)`,
    );
  }
  void logStatus(connection, log);
  return connection;
}

function tlsOptions({ ca, certificate, key }: Tls) {
  return { ca: ca.toString(), cert: certificate.toString(), key: key.toString() };
}

function isRecent(version: string): boolean {
  const numbers = version.split(/[.-]/).slice(0, 3).map(Number);
  for (const [at, minimum] of MINIMUM_VERSION.entries()) {
    const part = numbers[at] ?? Number.NaN;
    if (part !== minimum) return part > minimum;
  }
  return true;
}

/** The client tells here, and nowhere else, of lost connections, violated permissions and slow subscribers. */
async function logStatus(connection: NatsConnection, log: Logger): Promise<void> {
  for await (const status of connection.status()) {
    switch (status.type) {
      case 'disconnect':
        log.warn({ server: status.server }, 'lost the bus');
        break;
      case 'reconnect':
        reconnectsCounter.inc();
        log.info({ server: status.server }, 'found the bus again');
        break;
      case 'error':
        log.error({ err: status.error }, 'the bus reports an error');
        break;
      case 'slowConsumer':
        log.warn({ pending: status.pending }, 'too slow for the bus');
        break;
      default:
        log.debug({ status: status.type }, 'bus status');
    }
  }
}

/** Sends what is pending and closes; a server that is away is not waited for. */
export async function closeNats(connection: NatsConnection): Promise<void> {
  const limit = AbortSignal.timeout(2000);
  try {
    await untilAborted(connection.drain(), limit);
  } catch {
    await connection.close();
  }
}

/** What a failed request means to the caller: almost everything of the bus may be tried again. `doing` says what failed. */
export function toFailure(error: unknown, doing: string): PermanentError | TransientError {
  if (error instanceof PermanentError || error instanceof TransientError) return error;
  const message = `${doing}: ${reasonOf(error)}`;
  const permanent =
    error instanceof errors.PermissionViolationError ||
    error instanceof errors.InvalidArgumentError ||
    error instanceof errors.InvalidSubjectError ||
    hasApiCode(error, apiCode.messageTooLarge);
  return permanent
    ? new PermanentError(message, { cause: error })
    : new TransientError(message, { cause: error, retryAfterMs: 1000 });
}

export function hasApiCode(error: unknown, ...codes: readonly number[]): boolean {
  return error instanceof JetStreamApiError && codes.includes(error.code);
}

function reasonOf(error: unknown): string {
  if (hasApiCode(error, apiCode.streamNotFound, apiCode.consumerNotFound)) {
    return `${messageOf(error)}: it is not declared yet, a curator does that`;
  }
  if (hasApiCode(error, apiCode.streamFull, apiCode.insufficientStorage)) {
    return `${messageOf(error)}: the bus is full`;
  }
  return messageOf(error);
}
