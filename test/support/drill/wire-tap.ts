import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { RESULT_STREAM, WORK_STREAM } from '../../../shared/contract/subjects.ts';
import { Fact } from '../../../shared/contract/facts.ts';
import { Result } from '../../../shared/contract/work.ts';

/**
 * What went over the bus, in its order, as a bystander saw it: an offer may have been refused, an answer may have been lost with the
 * server. `gap`: the server was away, and messages may be missing here.
 */
export const Seen = z.discriminatedUnion('seen', [
  z.strictObject({
    seen: z.literal('offer'),
    run: z.string(),
    queue: z.string(),
    unit: z.string(),
  }),
  z.strictObject({ seen: z.literal('answer'), result: Result }),
  z.strictObject({
    seen: z.literal('fact'),
    run: z.string(),
    position: z.int().nonnegative(),
    fact: Fact,
  }),
  /** `message` is the stream's own number of the acked message. */
  z.strictObject({
    seen: z.literal('ack'),
    stream: z.enum([WORK_STREAM, RESULT_STREAM]),
    durable: z.string(),
    message: z.int().positive(),
  }),
  z.strictObject({ seen: z.literal('gap') }),
  /** From here to the next gap the server may have had no space left for what went over it. */
  z.strictObject({ seen: z.literal('starved') }),
  z.strictObject({ seen: z.literal('wipe') }),
]);
export type Seen = z.infer<typeof Seen>;

export interface WireTap extends AsyncDisposable {
  /** All of it, as in the file. */
  readonly seen: readonly Seen[];
  /** The drill has emptied the broker's store: stream numbers begin anew. */
  wiped(): void;
  /** The drill is about to fill the server's disk. */
  starved(): void;
}

/**
 * Listens at a server that may not be there yet, and goes on when it comes back. It subscribes to no inbox: interest in one would keep the
 * pull request of a killed worker alive.
 */
export function tapWire(natsUrl: string, file: string): WireTap {
  mkdirSync(dirname(file), { recursive: true });
  const all: Seen[] = [];
  const note = (seen: Seen): void => {
    all.push(seen);
    appendFileSync(file, `${JSON.stringify(seen)}\n`);
  };
  const closing = new AbortController();
  const tapped = connectSoon(natsUrl, closing.signal).then((connection) => {
    if (connection !== undefined) listen(connection, note);
    return connection;
  });
  return {
    seen: all,
    wiped: () => {
      note({ seen: 'wipe' });
    },
    starved: () => {
      note({ seen: 'starved' });
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await (await tapped)?.close();
    },
  };
}

/** Undefined when the signal aborts first. */
async function connectSoon(
  servers: string,
  signal: AbortSignal,
): Promise<NatsConnection | undefined> {
  const options = {
    servers,
    name: 'drill-tap',
    maxReconnectAttempts: -1,
    reconnectTimeWait: 20,
    reconnectJitter: 0,
    pingInterval: 1000,
  };
  while (!signal.aborted) {
    try {
      return await connect(options);
    } catch {
      await delay(20, undefined, { signal }).catch(() => undefined);
    }
  }
  return undefined;
}

function listen(connection: NatsConnection, note: (seen: Seen) => void): void {
  const callback = (error: Error | null, message: Msg): void => {
    const seen = error === null ? toSeen(message) : undefined;
    if (seen !== undefined) note(seen);
  };
  connection.subscribe('reset.>', { callback });
  connection.subscribe('$JS.ACK.>', { callback });
  void noteGaps(connection.status(), note);
}

async function noteGaps(
  statuses: AsyncIterable<{ type: string }>,
  note: (seen: Seen) => void,
): Promise<void> {
  for await (const { type } of statuses) if (type === 'disconnect') note({ seen: 'gap' });
}

/** Undefined for what no check asks about, and for what does not fit its schema: the roles refuse that themselves. */
function toSeen(message: Msg): Seen | undefined {
  const tokens = message.subject.split('.');
  const [first, kind, run = '', queue = ''] = tokens;
  if (first === '$JS') return toAck(tokens, message);
  if (kind === 'work')
    return {
      seen: 'offer',
      run,
      queue: queue === 'judge' ? (tokens[4] ?? '') : queue,
      unit: tokens.at(-1) ?? '',
    };
  const content = message.json<object>();
  if (kind === 'result') return Seen.safeParse({ seen: 'answer', result: content }).data;
  if (kind === 'event') return Seen.safeParse({ seen: 'fact', ...content }).data;
  return undefined;
}

/** `$JS.ACK.<stream>.<durable>.<deliveries>.<message>…`; newer servers put domain and account in front of the stream. */
function toAck(tokens: string[], message: Msg): Seen | undefined {
  const text = message.string();
  if (text !== '' && !text.startsWith('+ACK')) return undefined;
  const [stream, durable, , number] = tokens.slice(tokens.length > 9 ? 4 : 2);
  return Seen.safeParse({ seen: 'ack', stream, durable, message: Number(number) }).data;
}
