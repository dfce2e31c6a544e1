import type { Store } from '../../../shared/store/store.ts';

/**
 * The same store; the first write that fails is told to `broke` as well. From then on the store refuses every write (S2), so the
 * curator must end, whoever it was that wrote.
 */
export function guardStore(store: Store, broke: (error: unknown) => void): Store {
  return {
    read: (table, key) => store.read(table, key),
    readMany: (table, keys) => store.readMany(table, keys),
    scan: (table, prefix) => store.scan(table, prefix),
    close: () => store.close(),
    write: async (effect, writes) => {
      try {
        await store.write(effect, writes);
      } catch (error) {
        broke(error);
        throw error;
      }
    },
  };
}
