import { z } from 'zod';
import { PermanentError } from '../../shared/contract/failure.ts';
import type { Store } from '../../shared/store/store.ts';
import { TABLE } from './cache.ts';

/** Verdicts of one judge in a peer's cache. When they were given is not known: nothing here reads a clock. */
export interface Holding {
  readonly fingerprint: string;
  readonly verdicts: number;
  /** Of keys and values, before the store packs them. */
  readonly bytes: number;
  /** Names that models gave themselves; none for judges that ask none. */
  readonly models: readonly string[];
}

const BATCH = 1000;

const Asked = z.object({
  answer: z.object({
    details: z.object({ calls: z.array(z.object({ model: z.string().optional() })) }),
  }),
});

/** By fingerprint, the largest first. */
export async function holdings(store: Store): Promise<Holding[]> {
  const found = new Map<string, { verdicts: number; bytes: number; models: Set<string> }>();
  for await (const [key, value] of store.scan(TABLE, '')) {
    const fingerprint = fingerprintOf(key);
    const known = found.get(fingerprint) ?? { verdicts: 0, bytes: 0, models: new Set<string>() };
    found.set(fingerprint, known);
    known.verdicts += 1;
    known.bytes += key.length + Buffer.byteLength(JSON.stringify(value));
    for (const { model } of Asked.safeParse(value).data?.answer.details.calls ?? [])
      if (model !== undefined) known.models.add(model);
  }
  return Array.from(found, ([fingerprint, { models, ...counts }]) => ({
    fingerprint,
    ...counts,
    models: [...models].sort(),
  })).sort((a, b) => b.bytes - a.bytes);
}

/**
 * Removes the verdicts of all other judges and returns what was removed. `keep` names fingerprints by their beginnings; PermanentError where
 * one begins none or several, for then too much would go.
 */
export async function prune(store: Store, keep: readonly string[]): Promise<Holding[]> {
  const all = await holdings(store);
  const kept = new Set(keep.map((start) => theOneOf(all, start)));
  const removed = all.filter((holding) => !kept.has(holding));
  for (const { fingerprint } of removed) await removeAll(store, fingerprint);
  return removed;
}

function theOneOf(all: readonly Holding[], start: string): Holding {
  const [one, ...others] = all.filter(({ fingerprint }) => fingerprint.startsWith(start));
  if (one !== undefined && others.length === 0) return one;
  const problem = one === undefined ? 'is the beginning of no' : 'begins more than one';
  throw new PermanentError(
    `${start} ${problem} fingerprint in this cache, so nothing was removed: explain lists them`,
  );
}

async function removeAll(store: Store, fingerprint: string): Promise<void> {
  let keys: string[] = [];
  const remove = async (): Promise<void> => {
    await store.write(
      'verdicts',
      keys.map((key) => ({ table: TABLE, key, value: undefined })),
    );
    keys = [];
  };
  for await (const [key] of store.scan(TABLE, fingerprint)) {
    keys.push(key);
    if (keys.length === BATCH) await remove();
  }
  await remove();
}

/** See `verdictKey`. */
function fingerprintOf(key: string): string {
  return key.slice(0, key.indexOf('-'));
}
