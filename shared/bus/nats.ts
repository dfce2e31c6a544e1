import { type Consumer, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Fact } from '../contract/facts.ts';
import { TransientError } from '../contract/failure.ts';
import type { Role } from '../contract/peer.ts';
import {
  eventSubject,
  RESULT_STREAM,
  resultDurable,
  resultSubject,
  windowFilter,
  WORK_STREAM,
  workDurable,
  workSubject,
  type Queue,
} from '../contract/subjects.ts';
import { MAX_UNIT_BYTES, Result, Work } from '../contract/work.ts';
import type { Tls } from '../process/environment.ts';
import { performEffect } from '../process/failpoint.ts';
import type { Logger } from '../process/logger.ts';
import { onAbort, untilAborted } from '../process/signal.ts';
import type { Bus, Delivery, Directory, Slate } from './bus.ts';
import {
  apiCode,
  closeNats,
  connectNats,
  hasApiCode,
  REQUEST_TIMEOUT_MS,
  toFailure,
} from './connection.ts';
import { toDelivery } from './deliveries.ts';
import { NatsDirectory } from './directory.ts';
import { NatsSlate } from './slate.ts';
import { declareConsumer, declareStreams, queueConsumer, resultConsumer } from './topology.ts';

/** Results on their way to the curator at once; what is not handled when it stops goes back. */
const RESULTS_IN_FLIGHT = 200;

export interface BusOptions {
  natsUrl: string;
  /** Names the peer's effects for failpoints: `judge.ack`, `curator.offer`. */
  role: Role | 'cli';
  peer: string;
  ackWaitMs: number;
  tls?: Tls | undefined;
  log: Logger;
  /** Ends the wait for a server that is not there. */
  signal: AbortSignal;
}

export interface BusConnection {
  bus: Bus;
  directory: Directory;
  slate: Slate;
  serverVersion: string;
  /** Whether the server says, by a name that ends in `-synced`, that it fsyncs before each ack. */
  syncAlways: boolean;
}

/** Connects to NATS JetStream. Waits while the server is away; throws PermanentError for one that is too old. Close the bus at the end. */
export async function connectBus(options: BusOptions): Promise<BusConnection> {
  const { natsUrl, role, peer, tls, log, signal } = options;
  const connection = await connectNats({ natsUrl, name: `${role}-${peer}`, tls, log, signal });
  const manager = await jetstreamManager(connection, {
    checkAPI: false,
    timeout: REQUEST_TIMEOUT_MS,
  });
  return {
    bus: new NatsBus(connection, manager, options),
    directory: new NatsDirectory(manager, log),
    slate: new NatsSlate(connection, manager, log),
    serverVersion: connection.info?.version ?? 'unknown',
    syncAlways: connection.info?.server_name.endsWith('-synced') ?? false,
  };
}

class NatsBus implements Bus {
  readonly #connection: NatsConnection;
  readonly #manager: JetStreamManager;
  readonly #client: JetStreamClient;
  readonly #options: BusOptions;
  readonly #consumers = new Map<string, Consumer>();

  constructor(connection: NatsConnection, manager: JetStreamManager, options: BusOptions) {
    this.#connection = connection;
    this.#manager = manager;
    this.#client = manager.jetstream();
    this.#options = options;
  }

  async declare(): Promise<void> {
    await this.#try('declaring the streams', () => declareStreams(this.#manager));
  }

  async declareQueue(queue: Queue): Promise<void> {
    const consumer = queueConsumer(queue, this.#options.ackWaitMs);
    await this.#try(`declaring ${consumer.durable_name}`, () =>
      declareConsumer(this.#manager, WORK_STREAM, consumer),
    );
  }

  async declareResults(run: string): Promise<void> {
    const consumer = resultConsumer(run, this.#options.ackWaitMs);
    await this.#try(`declaring ${consumer.durable_name}`, () =>
      declareConsumer(this.#manager, RESULT_STREAM, consumer),
    );
  }

  async offer(queue: Queue, work: Work): Promise<'stored' | 'present'> {
    const subject = workSubject(work.run, queue, work.unit);
    const bytes = encode(queue, work);
    return this.#effect('offer', `offering ${subject}`, async () => {
      try {
        const expect = { lastSubjectSequence: 0 };
        await this.#client.publish(subject, bytes, { expect, timeout: REQUEST_TIMEOUT_MS });
        return 'stored';
      } catch (error) {
        const { wrongLastSequence, wrongLastSequenceUnknown } = apiCode;
        if (hasApiCode(error, wrongLastSequence, wrongLastSequenceUnknown)) return 'present';
        throw error;
      }
    });
  }

  async offered(run: string, queue: Queue): Promise<ReadonlySet<string>> {
    const filter = windowFilter(run, queue);
    const info = await this.#try(`reading ${filter}`, () =>
      this.#manager.streams.info(WORK_STREAM, { subjects_filter: filter }),
    );
    const subjects = Object.keys(info.state.subjects ?? {});
    return new Set(subjects.map((subject) => subject.slice(filter.length - 1)));
  }

  async next(
    queue: Queue,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<Delivery<Work> | undefined> {
    if (signal.aborted) return undefined;
    const durable = workDurable(queue);
    const { role, log } = this.#options;
    const pulled = this.#pull(durable, waitMs);
    try {
      const message = await untilAborted(pulled, signal);
      if (message === null) return undefined;
      const deps = { kind: 'work', schema: Work, ackEffect: `${role}.ack`, log } as const;
      return toDelivery(message, deps);
    } catch (error) {
      if (signal.aborted) {
        // It may still arrive; then it belongs to someone else, at once.
        pulled.then((late) => late?.nak()).catch(() => undefined);
        return undefined;
      }
      this.#consumers.delete(durable);
      throw toFailure(error, `asking ${durable} for work`);
    }
  }

  async #pull(durable: string, waitMs: number) {
    const known = this.#consumers.get(durable);
    const consumer = known ?? (await this.#client.consumers.get(WORK_STREAM, durable));
    this.#consumers.set(durable, consumer);
    return consumer.next({ expires: waitMs });
  }

  async answer(result: Result): Promise<void> {
    const subject = resultSubject(result.run, result.peer);
    const bytes = JSON.stringify(Result.parse(result));
    await this.#effect('answer', `answering ${result.unit}`, () =>
      this.#client.publish(subject, bytes, { timeout: REQUEST_TIMEOUT_MS }),
    );
  }

  async *results(run: string, signal: AbortSignal): AsyncGenerator<Delivery<Result>> {
    if (signal.aborted) return;
    const { role, log } = this.#options;
    const deps = { kind: 'result', schema: Result, ackEffect: `${role}.ack`, log } as const;
    const doing = `reading results of ${run}`;
    const messages = await this.#try(doing, () => this.#consumeResults(run));
    onAbort(signal, () => {
      messages.stop();
    });
    try {
      for await (const message of messages) {
        if (signal.aborted) {
          message.nak();
          continue;
        }
        const delivery = toDelivery(message, deps);
        if (delivery !== undefined) yield delivery;
      }
    } catch (error) {
      if (!signal.aborted) throw toFailure(error, doing);
    } finally {
      messages.stop();
    }
    if (!signal.aborted) throw new TransientError(`${doing}: the bus was closed`);
  }

  /**
   * A run has one reader, so what an earlier one had in hand when it was killed is nobody's: the durable is made anew, and those results come
   * at once instead of after the ack wait.
   */
  async #consumeResults(run: string) {
    const durable = resultDurable(run);
    const { num_ack_pending: inHand } = await this.#manager.consumers.info(RESULT_STREAM, durable);
    if (inHand > 0) {
      await this.#manager.consumers.delete(RESULT_STREAM, durable);
      await this.declareResults(run);
    }
    const consumer = await this.#client.consumers.get(RESULT_STREAM, durable);
    return consumer.consume({
      max_messages: RESULTS_IN_FLIGHT,
      expires: 5000,
      abort_on_missing_resource: true,
    });
  }

  async unsettledResults(run: string): Promise<number> {
    const durable = resultDurable(run);
    const info = await this.#try(`counting results of ${run}`, () =>
      this.#manager.consumers.info(RESULT_STREAM, durable),
    );
    return info.num_pending + info.num_ack_pending;
  }

  async announce(run: string, position: number, fact: Fact): Promise<void> {
    const subject = eventSubject(run, fact.fact);
    const bytes = JSON.stringify({ run, position, fact: Fact.parse(fact) });
    const options = { msgID: `${run}/${position}`, timeout: REQUEST_TIMEOUT_MS };
    await this.#effect('announce', `announcing ${fact.fact}`, () =>
      this.#client.publish(subject, bytes, options),
    );
  }

  async close(): Promise<void> {
    await closeNats(this.#connection);
  }

  async #effect<TValue>(effect: string, doing: string, perform: () => Promise<TValue>) {
    return this.#try(doing, () => performEffect(`${this.#options.role}.${effect}`, perform));
  }

  async #try<TValue>(doing: string, perform: () => Promise<TValue>): Promise<TValue> {
    try {
      return await perform();
    } catch (error) {
      throw toFailure(error, doing);
    }
  }
}

/** A unit as it travels: itself, or where it is too large a reference that the worker resolves with `ReadUnit`. */
function encode(queue: Queue, work: Work): string {
  const whole = JSON.stringify(Work.parse(work));
  if (Buffer.byteLength(whole) <= MAX_UNIT_BYTES) return whole;
  const name = queue.kind === 'sample' ? 'sample' : queue.judge;
  const { run, unit } = work;
  return JSON.stringify({ kind: 'reference', run, queue: name, unit } satisfies Work);
}
