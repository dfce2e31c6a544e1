/** One write of a batch; `value` undefined deletes. Values are JSON. */
export interface Write {
  table: string;
  key: string;
  value: unknown;
}

/**
 * An ordered key-value store with flat tables. Two implementations with one contract test: Level, and the simulated one of the tests,
 * which can lose unsynced writes.
 *
 * S1. When `write` returns, all of its writes are durable, or none happened and it threw.
 * S2. After a failed write the store refuses more until it is reopened (LevelDB latches ENOSPC), and says why.
 */
export interface Store {
  read(table: string, key: string): Promise<unknown>;
  /** The values of `keys` in their order, undefined where there is none; far cheaper than as many reads. */
  readMany(table: string, keys: readonly string[]): Promise<unknown[]>;
  /** `effect` names the write for failpoints, such as `results`. */
  write(effect: string, writes: readonly Write[]): Promise<void>;
  /** Entries whose key starts with `prefix`, in key order. */
  scan(table: string, prefix: string): AsyncIterable<[key: string, value: unknown]>;
  close(): Promise<void>;
}
