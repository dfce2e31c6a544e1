import type { z } from 'zod';
import type { Fact } from '../contract/facts.ts';
import type { Presence, RunBinding } from '../contract/peer.ts';
import type { Queue } from '../contract/subjects.ts';
import type { Result, Work } from '../contract/work.ts';
import type { Clock } from '../process/clock.ts';

/** A message in hand. One function settles it: `ack` after its effect is stored, or `giveBack`. */
export interface Delivery<TMessage> {
  readonly message: TMessage;
  /** 1 at the first delivery. It says nothing about the item: a give-back and a dead peer raise it too. */
  readonly deliveries: number;
  /** Renews the ack wait; call at a third of it. */
  working(): void;
  /** Returns when the bus has confirmed. A late ack is accepted: an ack is not a lock. */
  ack(): Promise<void>;
  /** Cannot work now: to be delivered again after about `delayMs`. */
  giveBack(delayMs: number): void;
}

/** A message that does not fit its schema; `settle` removes it, for it can never be worked. */
export interface Malformed {
  readonly subject: string;
  readonly problem: string;
  settle(): Promise<void>;
}

/**
 * Work and answers, as the roles see them. Two implementations with one contract test: NATS JetStream, and the simulated one of the tests.
 *
 * B1. A unit that is queued or in flight is refused when it is offered again; once settled it is accepted.
 * B2. A delivery that is not acked, given back or renewed within the ack wait is delivered again, to anyone.
 * B3. `answer` returns after the bus has stored the result.
 */
export interface Bus {
  /** Declares streams and buckets that are missing. The curator calls it at start, after a reconnect and when one is gone. */
  declare(): Promise<void>;
  declareQueue(queue: Queue): Promise<void>;
  declareResults(run: string): Promise<void>;

  /** Offers a unit (B1), by reference where it is larger than MAX_UNIT_BYTES. Throws TransientError when the bus cannot answer or is full. */
  offer(queue: Queue, work: Work): Promise<'stored' | 'present'>;
  /** Names of one run's units that are queued or in flight. */
  offered(run: string, queue: Queue): Promise<ReadonlySet<string>>;
  /** The next unit of a queue, or undefined when none came in `waitMs` (at least 1,000). TransientError while the queue is not declared. */
  next(queue: Queue, waitMs: number, signal: AbortSignal): Promise<Delivery<Work> | undefined>;

  answer(result: Result): Promise<void>;
  /** Results of a run until the signal aborts. TransientError when its durable is gone: declare it and call again. */
  results(run: string, signal: AbortSignal): AsyncIterable<Delivery<Result>>;
  /** Results that wait or are delivered and not acked. */
  unsettledResults(run: string): Promise<number>;

  /** Copies a fact for watchers, once for each position of the journal. Nobody decides on it. */
  announce(run: string, position: number, fact: Fact): Promise<void>;
  close(): Promise<void>;
}

/** Who is there, and which ledger a run belongs to. */
export interface Directory {
  /** Renews a presence; without renewal it lapses after 6 s. */
  appear(presence: Presence): Promise<void>;
  leave(peer: string): Promise<void>;
  peers(): Promise<Presence[]>;
  /** Binds a run to a ledger. Returns the binding that holds: another ledger's where one was first. A binding of the same ledger is renewed with the new address. */
  bind(binding: RunBinding): Promise<RunBinding>;
  binding(run: string): Promise<RunBinding | undefined>;
  /** All bindings now and every change after, until the signal aborts. */
  bindings(signal: AbortSignal): AsyncIterable<RunBinding>;
}

/** Small values that several peers change together. Each call throws TransientError while the bus is away or no curator has declared it. */
export interface Slate {
  read<TValue>(key: string, schema: z.ZodType<TValue>): Promise<TValue | undefined>;
  /**
   * Writes what `act` makes of the value under a key, undefined where there is none, and returns what stands there then. `act` may change the value
   * that it gets; it is called again where another peer was first, and returns undefined to leave all as it is.
   */
  change<TValue>(
    key: string,
    schema: z.ZodType<TValue>,
    act: (value: TValue | undefined) => TValue | undefined,
  ): Promise<TValue | undefined>;
  /** What the value is changed to from now on, until the signal aborts. Some changes may be missed: this is for being quick. */
  changes<TValue>(
    key: string,
    schema: z.ZodType<TValue>,
    signal: AbortSignal,
  ): AsyncIterable<TValue>;
  /** The time of the bus in ms, which all peers read alike to within some ms, whatever the clocks of their machines say. */
  clock(): Promise<Clock>;
}
