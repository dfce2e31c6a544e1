import { randomBytes } from 'node:crypto';
import type { Store } from '../../../shared/store/store.ts';
import { put, read, tables } from './tables.ts';

/** The ledger's name, drawn once in its life: what a run is bound to. */
export async function ledgerId(store: Store): Promise<string> {
  const known = await read(store, tables.ledger, 'id');
  if (known !== undefined) return known;
  const id = randomBytes(32).toString('hex');
  await store.write('ledger', [put(tables.ledger, 'id', id)]);
  return id;
}
