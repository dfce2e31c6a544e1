import { EventEmitter, once } from 'node:events';
import type { Fact } from '../../../shared/contract/facts.ts';
import { PermanentError } from '../../../shared/contract/failure.ts';
import { ConflictError } from '../../../shared/rpc/failure.ts';
import type { Store } from '../../../shared/store/store.ts';
import { put, read, scan, tables } from './tables.ts';

export interface JournalEntry {
  position: number;
  fact: Fact;
  /** Milliseconds since 1970 when it was appended. */
  at: number;
}

/**
 * The list of facts of one run. It is short (some ten facts a round) and held in memory.
 *
 * J1. A fact is appended only at the position that the writer expected; so of two writers one loses, reads again and decides again.
 * J2. A fact that can be read is durable.
 */
export interface Journal {
  readonly run: string;
  entries(): readonly JournalEntry[];
  /** Returns the new length. ConflictError when the journal has another length than expected. */
  append(expectedLength: number, fact: Fact): Promise<number>;
  /** Entries from a position, and new ones as they come until the signal aborts. */
  follow(from: number, signal: AbortSignal): AsyncGenerator<JournalEntry>;
}

/** Reads a run's journal. PermanentError where a position is missing or a fact is damaged. */
export async function openJournal(
  store: Store,
  run: string,
  unixMs: () => number = Date.now,
): Promise<Journal> {
  const entries = await readEntries(store, run);
  const appended = new EventEmitter().setMaxListeners(0);
  let last: Promise<unknown> = Promise.resolve();

  async function append(expectedLength: number, fact: Fact): Promise<number> {
    const position = entries.length;
    if (expectedLength !== position)
      throw new ConflictError(
        `the journal of ${run} has ${position} facts, not ${expectedLength}: read it and decide again`,
      );
    checkFact(run, position, fact);
    const entry = { position, fact, at: unixMs() };
    const key = entryKey(run, position);
    await store.write('fact', [put(tables.journal, key, fact), put(tables.clock, key, entry.at)]);
    entries.push(entry);
    appended.emit('fact');
    return entries.length;
  }

  return {
    run,
    entries: () => entries,
    append(expectedLength, fact) {
      const turn = last.then(() => append(expectedLength, fact));
      last = turn.catch(() => undefined);
      return turn;
    },
    async *follow(from, signal) {
      for (let position = from; !signal.aborted;) {
        const entry = entries[position];
        if (entry === undefined) {
          await once(appended, 'fact', { signal }).catch(() => undefined);
        } else {
          yield entry;
          position += 1;
        }
      }
    },
  };
}

function checkFact(run: string, position: number, fact: Fact): void {
  if ((fact.fact === 'run.opened') === (position === 0)) return;
  throw new PermanentError(
    `the journal of ${run} begins with run.opened and has it once; ${fact.fact} does not fit position ${position}`,
  );
}

async function readEntries(store: Store, run: string): Promise<JournalEntry[]> {
  const entries: JournalEntry[] = [];
  for await (const [key, fact] of scan(store, tables.journal, `${run}/`)) {
    const position = entries.length;
    if (key !== entryKey(run, position))
      throw new PermanentError(
        `the journal of ${run} is damaged: position ${position} is missing before ${key}; restore the ledger's folder from a copy`,
      );
    checkFact(run, position, fact);
    // A copy of the ledger may lack the sidecar; a fact does not need it.
    entries.push({ position, fact, at: (await read(store, tables.clock, key)) ?? 0 });
  }
  return entries;
}

export function entryKey(run: string, position: number): string {
  return `${run}/${String(position).padStart(8, '0')}`;
}
