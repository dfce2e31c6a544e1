/**
 * The servers of one profile. Each prompt has an order of them (rendezvous hashing) and goes to the first that is well: what a server has
 * read of a prompt is read once, and one that goes takes along its own prompts only.
 *
 * I1. Nothing is asked of a server that has not shown that it serves the unit's checkpoint.
 * I2. One that fails is asked no more until it has shown it again; the others are not kept waiting for it.
 */
import { createHash } from 'node:crypto';
import type { Probe } from '../../shared/contract/checkpoint.ts';
import { messageOf, PermanentError, TransientError } from '../../shared/contract/failure.ts';
import type { SampleUnit } from '../../shared/contract/work.ts';
import { createConcurrency, type Concurrency } from '../../shared/process/concurrency.ts';
import type { Logger } from '../../shared/process/logger.ts';
import type { LocalCheckpoint } from './checkpoint/local.ts';
import { watchLoad, type WatchedLoad } from './load.ts';
import { OverloadedError, type ModelServer } from './servers/driver.ts';
import { createServing, type Serving } from './serving.ts';

/** Requests at one server at once: as many as the largest engines run. */
const CEILING = 1024;
/** At first, before the server has said or shown anything. */
const START = 16;

type Served = Pick<SampleUnit, 'servedName' | 'checkpoint' | 'window'>;

export interface Replicas {
  /** Requests that may be under way now. */
  readonly limit: number;
  /** Returns when a server has shown that it serves the checkpoint, and all that were well have been asked. Throws where none has. */
  prepare(served: Served, signal: AbortSignal): Promise<void>;
  /** Keeps the checkpoint served until the returned function is called. */
  hold(served: Served): () => void;
  /**
   * Asks the prompt's server when there is room for all its requests at it, and the next one where it fails. `act` tells of each request
   * that succeeded. Throws the last failure.
   */
  ask<TResult>(
    asked: Asked,
    act: (server: ModelServer, succeeded: () => void) => Promise<TResult>,
    signal: AbortSignal,
  ): Promise<TResult>;
}

interface Asked {
  served: Served;
  prompt: string;
  /** How many, of one prompt. */
  requests: number;
}

interface Replica {
  server: ModelServer;
  concurrency: Concurrency;
  watched: WatchedLoad;
  serving: Serving;
  /** Why it is not asked; undefined while it is well. */
  trouble: string | undefined;
  /** While it is tried again behind the back of units that others serve. */
  mending: boolean;
}

export interface ReplicasDeps {
  servers: readonly ModelServer[];
  fetch: (checkpoint: string, signal: AbortSignal) => Promise<LocalCheckpoint>;
  log: Logger;
}

export function createReplicas({ servers, fetch, log }: ReplicasDeps): Replicas {
  const recorded = new Map<string, Probe>();
  const replicas = servers.map((server): Replica => {
    const watched = watchLoad(server);
    // While one that tells of its queue is explored, its looks alone widen the limit: answers are many between two of them. Of one that does
    // not, what it has too much of shows late, in requests that took too long.
    const isEnough = (): boolean =>
      watched.told ? concurrency.exploring : concurrency.limit >= server.ceiling;
    const concurrency = createConcurrency({
      ceiling: CEILING,
      start: START,
      isOverload: (error) => error instanceof OverloadedError,
      load: () => (watched.load === 'free' && isEnough() ? 'full' : watched.load),
    });
    return {
      server,
      watched,
      concurrency,
      serving: createServing({ server, fetch, recorded, log }),
      trouble: undefined,
      mending: false,
    };
  });

  async function prepareOne(replica: Replica, served: Served, signal: AbortSignal): Promise<void> {
    const { serving, server } = replica;
    try {
      await serving.prepare(served, signal);
      if (replica.trouble !== undefined) log.info({ server: server.url }, 'is asked again');
      replica.trouble = undefined;
    } catch (error) {
      signal.throwIfAborted();
      fail(replica, error);
      throw error;
    }
  }

  function fail(replica: Replica, error: unknown): void {
    const { server, serving } = replica;
    if (error instanceof OverloadedError) serving.doubt();
    else {
      serving.forget();
      const reason = messageOf(error);
      if (replica.trouble !== reason && servers.length > 1)
        log.error({ server: server.url, reason }, 'is not asked until it shows what it serves');
      replica.trouble = reason;
    }
  }

  async function prepare(served: Served, signal: AbortSignal): Promise<void> {
    const well = replicas.filter(({ trouble }) => trouble === undefined);
    const awaited = well.length === 0 ? replicas : well;
    for (const replica of replicas) if (!awaited.includes(replica)) mend(replica, served);
    const outcomes = await Promise.allSettled(
      awaited.map((replica) => prepareOne(replica, served, signal)),
    );
    signal.throwIfAborted();
    if (replicas.some(({ serving }) => serving.serves(served))) return;
    const errors = outcomes.flatMap((one): unknown[] =>
      one.status === 'rejected' ? [one.reason] : [],
    );
    throw errors.find((error) => error instanceof TransientError) ?? errors[0];
  }

  /** Nobody waits for it, so it is bound by its deadlines alone. */
  function mend(replica: Replica, served: Served): void {
    if (replica.mending) return;
    replica.mending = true;
    prepareOne(replica, served, new AbortController().signal)
      .catch(() => undefined)
      .finally(() => {
        replica.mending = false;
      });
  }

  async function ask<TResult>(
    { served, prompt, requests }: Asked,
    act: (server: ModelServer, succeeded: () => void) => Promise<TResult>,
    signal: AbortSignal,
  ): Promise<TResult> {
    let failure: unknown = new TransientError(
      `no server shows ${served.servedName} any more: it is prepared again`,
    );
    for (const replica of inOrder(replicas, prompt)) {
      const { serving, concurrency, watched, server } = replica;
      if (!serving.serves(served)) continue;
      try {
        const done = concurrency.run(
          async (succeeded) => {
            watched.look(signal);
            // It may have failed another example while this one waited for its turn.
            if (!serving.serves(served)) throw failure;
            return act(server, succeeded);
          },
          signal,
          requests,
        );
        watched.explore(concurrency, signal);
        return await done;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof TransientError || error instanceof PermanentError)) throw error;
        if (error !== failure) fail(replica, error);
        failure = error;
      }
    }
    throw failure;
  }

  return {
    get limit() {
      return replicas.reduce((sum, { concurrency }) => sum + concurrency.limit, 0);
    },
    prepare,
    hold: (served) => {
      const releases = replicas.map(({ serving }) => serving.hold(served));
      return () => {
        for (const release of releases) release();
      };
    },
    ask,
  };
}

/** The order of the servers for a prompt: the same for every peer, and one that is gone moves no prompt of the others. */
function inOrder(replicas: readonly Replica[], prompt: string): readonly Replica[] {
  if (replicas.length === 1) return replicas;
  return replicas
    .map((replica) => ({ replica, weight: weigh(replica.server.url, prompt) }))
    .sort((one, other) => (one.weight < other.weight ? 1 : -1))
    .map(({ replica }) => replica);
}

function weigh(url: string, prompt: string): string {
  return createHash('sha256').update(url).update('\n').update(prompt).digest('hex');
}
