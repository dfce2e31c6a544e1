import { PermanentError, messageOf } from '../../shared/contract/failure.ts';
import type { Random } from '../../shared/contract/random.ts';
import type { Store, Write } from '../../shared/store/store.ts';
import { never } from './simulated-broker.ts';
import type { SimulatedClock } from './simulated-clock.ts';

/** A folder of a simulation: what is durable, and who has it open. */
export class SimulatedDisk {
  readonly #clock: SimulatedClock;
  readonly #random: Random;
  readonly #tables = new Map<string, Map<string, string>>();
  #open: SimulatedStore | undefined;
  /** The next write fails with this. */
  fault: Error | undefined;

  constructor(clock: SimulatedClock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Throws PermanentError while another process has it open. */
  open(): Promise<SimulatedStore> {
    if (this.#open !== undefined) {
      return Promise.reject(new PermanentError('the store is open in another process'));
    }
    this.#open = new SimulatedStore(this, this.#clock, this.#random);
    return Promise.resolve(this.#open);
  }

  /** The process that had it open is gone. */
  release(store: SimulatedStore): void {
    if (this.#open === store) this.#open = undefined;
  }

  table(name: string): Map<string, string> {
    const known = this.#tables.get(name);
    if (known !== undefined) return known;
    const table = new Map<string, string>();
    this.#tables.set(name, table);
    return table;
  }
}

/** A Store of a simulation. A write is durable some time after it was asked for; a kill in between loses it whole. */
export class SimulatedStore implements Store {
  readonly #disk: SimulatedDisk;
  readonly #clock: SimulatedClock;
  readonly #random: Random;
  #state: 'open' | 'closed' | 'killed' = 'open';
  #broken: Error | undefined;

  constructor(disk: SimulatedDisk, clock: SimulatedClock, random: Random) {
    this.#disk = disk;
    this.#clock = clock;
    this.#random = random;
  }

  async read(table: string, key: string): Promise<unknown> {
    await this.#alive();
    const text = this.#disk.table(table).get(key);
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  }

  async readMany(table: string, keys: readonly string[]): Promise<unknown[]> {
    return Promise.all(keys.map((key) => this.read(table, key)));
  }

  async write(effect: string, writes: readonly Write[]): Promise<void> {
    const kept = writes.map(({ table, key, value }) => ({
      table,
      key,
      text: value === undefined ? undefined : JSON.stringify(value),
    }));
    await this.#alive();
    const cause = this.#broken;
    if (cause !== undefined) {
      throw new PermanentError(
        `the store refuses ${effect} since a write failed: ${messageOf(cause)}`,
        { cause },
      );
    }
    await this.#clock.sleep(this.#random.next() * 2);
    await this.#alive();
    if (this.#disk.fault !== undefined) {
      this.#broken = this.#disk.fault;
      this.#disk.fault = undefined;
      throw new PermanentError(`cannot write to the store: ${messageOf(this.#broken)}`);
    }
    for (const { table, key, text } of kept) {
      if (text === undefined) this.#disk.table(table).delete(key);
      else this.#disk.table(table).set(key, text);
    }
    // Durable, but the process may die before it hears of it.
    await this.#clock.sleep(this.#random.next() * 2);
    await this.#alive();
  }

  async *scan(table: string, prefix: string): AsyncGenerator<[key: string, value: unknown]> {
    await this.#alive();
    const entries = [...this.#disk.table(table)].filter(([key]) => key.startsWith(prefix));
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [key, text] of entries) {
      await this.#alive();
      yield [key, JSON.parse(text) as unknown];
    }
  }

  close(): Promise<void> {
    if (this.#state === 'open') this.#state = 'closed';
    this.#disk.release(this);
    return Promise.resolve();
  }

  /** kill -9: a write under way is lost unless it is durable already; nothing returns any more. */
  kill(): void {
    this.#state = 'killed';
    this.#disk.release(this);
  }

  #alive(): Promise<void> {
    if (this.#state === 'killed') return never();
    if (this.#state === 'closed') return Promise.reject(new PermanentError('the store is closed'));
    return Promise.resolve();
  }
}
