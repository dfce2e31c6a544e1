import { mkdir, readdir } from 'node:fs/promises';
import { Level } from 'level';
import { messageOf, PermanentError } from '../contract/failure.ts';
import { performEffect } from '../process/failpoint.ts';
import type { Store, Write } from './store.ts';

/** Every table is a flat sublevel, for a parent's iterator would also yield nested ones. */
type Table = ReturnType<typeof openTable>;

function openTable(level: Level, name: string) {
  return level.sublevel(name);
}

export interface StoreOptions {
  /** Without it a write survives kill -9 but not a power cut: for what can be made again. */
  sync?: boolean;
}

/**
 * Opens a Level folder as a Store, creating it where it is missing. Throws PermanentError when another process has it open or it cannot be read.
 * Failpoints of a write: `store.<effect>.before` and `.after`.
 */
export async function openStore(
  folder: string,
  { sync = true }: StoreOptions = {},
): Promise<Store> {
  await mkdir(folder, { recursive: true });
  await refuseHeadless(folder);
  const level = new Level(folder);
  try {
    await level.open();
  } catch (error) {
    throw new PermanentError(whyNotOpened(folder, error), { cause: error });
  }
  return new LevelStore(level, folder, sync);
}

/** LevelDB takes a folder without CURRENT for an empty one and begins anew over the tables in it. */
async function refuseHeadless(folder: string): Promise<void> {
  const names = await readdir(folder);
  const tables = names.filter((name) => /^\d+\.(ldb|log)$/.test(name));
  if (tables.length === 0 || names.includes('CURRENT')) return;
  throw new PermanentError(
    `the store in ${folder} is damaged: it has tables (${tables.join(', ')}) but no CURRENT. Restore the folder from a backup, or move it away to begin without it`,
  );
}

function parse(text: string | undefined): unknown {
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}

class LevelStore implements Store {
  readonly #level: Level;
  readonly #folder: string;
  readonly #sync: boolean;
  readonly #tables = new Map<string, Table>();
  /** Set by the first write that fails; LevelDB would go on failing, or worse, seem not to (S2). */
  #broken: { cause: unknown } | undefined;

  constructor(level: Level, folder: string, sync: boolean) {
    this.#level = level;
    this.#folder = folder;
    this.#sync = sync;
  }

  async read(table: string, key: string): Promise<unknown> {
    return parse((await this.#opened(table)).getSync(key));
  }

  async readMany(table: string, keys: readonly string[]): Promise<unknown[]> {
    const opened = await this.#opened(table);
    return keys.map((key) => parse(opened.getSync(key)));
  }

  async write(effect: string, writes: readonly Write[]): Promise<void> {
    if (this.#broken !== undefined) {
      const { cause } = this.#broken;
      throw new PermanentError(
        `the store in ${this.#folder} refuses writes since one failed: ${messageOf(cause)}. Mend that and start the process again`,
        { cause },
      );
    }
    if (writes.length === 0) return;
    // Filled one by one, a batch costs a third of what a list of operations does.
    const batch = this.#level.batch();
    for (const { table, key, value } of writes) {
      const sublevel = this.#table(table);
      if (value === undefined) batch.del(key, { sublevel });
      else batch.put(key, JSON.stringify(value), { sublevel });
    }
    try {
      await performEffect(`store.${effect}`, () => batch.write({ sync: this.#sync }));
    } catch (error) {
      this.#broken = { cause: error };
      throw new PermanentError(
        `cannot write to the store in ${this.#folder}: ${whyNotWritten(error)}`,
        { cause: error },
      );
    }
  }

  async *scan(table: string, prefix: string): AsyncGenerator<[key: string, value: unknown]> {
    // Keys are plain ASCII, so U+FFFF sorts after all that may follow the prefix.
    const range = { gte: prefix, lt: `${prefix}\uffff` };
    for await (const [key, text] of this.#table(table).iterator(range)) {
      yield [key, JSON.parse(text) as unknown];
    }
  }

  async close(): Promise<void> {
    await this.#level.close();
  }

  /** For reading in this thread: the way through another one costs six times the few microseconds that LevelDB needs. */
  async #opened(name: string): Promise<Table> {
    const table = this.#table(name);
    if (table.status !== 'open') await table.open();
    return table;
  }

  #table(name: string): Table {
    const known = this.#tables.get(name);
    if (known !== undefined) return known;
    const table = openTable(this.#level, name);
    this.#tables.set(name, table);
    return table;
  }
}

function whyNotOpened(folder: string, error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (hasCode(cause, 'LEVEL_LOCKED')) {
    return `the store in ${folder} is open in another process: end that one, or give this one a folder of its own (RESET_STATE)`;
  }
  return `cannot open the store in ${folder}: ${messageOf(cause)}. The folder must be readable and undamaged; restore it from a backup if it is not`;
}

function whyNotWritten(error: unknown): string {
  return /no space left/i.test(messageOf(error))
    ? 'the disk is full (ENOSPC). Free space and start the process again; what was acknowledged is safe'
    : messageOf(error);
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
