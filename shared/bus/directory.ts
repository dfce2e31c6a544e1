import type { JetStreamManager } from '@nats-io/jetstream';
import { Kvm, type KV } from '@nats-io/kv';
import type { z } from 'zod';
import { Presence, RunBinding } from '../contract/peer.ts';
import { PEER_BUCKET, RUN_BUCKET } from '../contract/subjects.ts';
import { systemClock } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import type { Directory } from './bus.ts';
import { apiCode, hasApiCode, toFailure } from './connection.ts';

const LOOK_EVERY_MS = 1000;

/** Presence and bindings in two key-value buckets, which the curator declares. */
export class NatsDirectory implements Directory {
  readonly #manager: JetStreamManager;
  readonly #log: Logger;
  readonly #buckets: Kvm;

  constructor(manager: JetStreamManager, log: Logger) {
    this.#manager = manager;
    this.#log = log;
    this.#buckets = new Kvm(manager.jetstream());
  }

  async appear(presence: Presence): Promise<void> {
    await this.#with(PEER_BUCKET, `showing ${presence.peer}`, (bucket) =>
      bucket.put(presence.peer, JSON.stringify(Presence.parse(presence))),
    );
  }

  async leave(peer: string): Promise<void> {
    await this.#with(PEER_BUCKET, `taking ${peer} off`, (bucket) => bucket.delete(peer));
  }

  async peers(): Promise<Presence[]> {
    return this.#with(PEER_BUCKET, 'reading the peers', (bucket) =>
      this.#readAll(bucket, PEER_BUCKET, Presence),
    );
  }

  async bind(binding: RunBinding): Promise<RunBinding> {
    return this.#with(RUN_BUCKET, `binding ${binding.run}`, async (bucket) => {
      const bytes = JSON.stringify(RunBinding.parse(binding));
      for (;;) {
        const held = await bucket.get(binding.run);
        const holder =
          held?.operation === 'PUT' ? this.#parse(RunBinding, held.string()) : undefined;
        if (holder !== undefined && holder.ledger !== binding.ledger) return holder;
        try {
          if (held === null) await bucket.create(binding.run, bytes);
          else await bucket.update(binding.run, bytes, held.revision);
          return binding;
        } catch (error) {
          const { wrongLastSequence, wrongLastSequenceUnknown } = apiCode;
          if (!hasApiCode(error, wrongLastSequence, wrongLastSequenceUnknown)) throw error;
        }
      }
    });
  }

  async binding(run: string): Promise<RunBinding | undefined> {
    return this.#with(RUN_BUCKET, `reading the binding of ${run}`, (bucket) =>
      this.#read(bucket, run, RunBinding),
    );
  }

  /** Looks each second whether the bucket has changed: unlike a watch, that goes on over a server whose store was lost. */
  async *bindings(signal: AbortSignal): AsyncGenerator<RunBinding> {
    const seen = new Map<string, string>();
    let version = '';
    while (!signal.aborted) {
      const now = await this.#version(RUN_BUCKET);
      if (now !== version) {
        for (const binding of await this.#with(RUN_BUCKET, 'reading the bindings', (bucket) =>
          this.#readAll(bucket, RUN_BUCKET, RunBinding),
        )) {
          const text = JSON.stringify(binding);
          if (seen.get(binding.run) === text) continue;
          seen.set(binding.run, text);
          yield binding;
        }
        version = now;
      }
      try {
        await systemClock.sleep(LOOK_EVERY_MS, signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  async #version(name: string): Promise<string> {
    try {
      const { created, state } = await this.#manager.streams.info(`KV_${name}`);
      return `${created} ${state.last_seq}`;
    } catch (error) {
      throw toFailure(error, `looking at ${name}`);
    }
  }

  async #readAll<TValue>(bucket: KV, name: string, schema: z.ZodType<TValue>): Promise<TValue[]> {
    const prefix = `$KV.${name}.`;
    const filter = { subjects_filter: `${prefix}>` };
    const { state } = await this.#manager.streams.info(`KV_${name}`, filter);
    const keys = Object.keys(state.subjects ?? {}).map((subject) => subject.slice(prefix.length));
    const values = await Promise.all(keys.sort().map((key) => this.#read(bucket, key, schema)));
    return values.filter((value) => value !== undefined);
  }

  async #read<TValue>(
    bucket: KV,
    key: string,
    schema: z.ZodType<TValue>,
  ): Promise<TValue | undefined> {
    const entry = await bucket.get(key);
    return entry?.operation === 'PUT' ? this.#parse(schema, entry.string()) : undefined;
  }

  /** An entry of another version is as good as none; it is said, for the peer would be missed. */
  #parse<TValue>(schema: z.ZodType<TValue>, text: string): TValue | undefined {
    try {
      return schema.parse(JSON.parse(text));
    } catch (error) {
      this.#log.warn({ err: error }, 'ignored a malformed entry of the directory');
      return undefined;
    }
  }

  async #with<TValue>(
    name: string,
    doing: string,
    act: (bucket: KV) => Promise<TValue>,
  ): Promise<TValue> {
    try {
      return await act(await this.#buckets.open(name));
    } catch (error) {
      throw toFailure(error, doing);
    }
  }
}
