import { Outcome } from '../../shared/contract/work.ts';
import type { Store } from '../../shared/store/store.ts';

const TABLE = 'verdict';

/** Scored verdicts of this peer, by `verdictKey`. Deleting its folder costs time, no truth. */
export interface VerdictCache {
  /** In the order of the keys; undefined for what is not there. */
  recall(keys: readonly string[]): Promise<(Outcome | undefined)[]>;
  /** Survives kill -9 when it returns; unscored ones are left out, for trying again may help. */
  remember(outcomes: ReadonlyMap<string, Outcome>): Promise<void>;
}

export function createCache(store: Store): VerdictCache {
  return {
    recall: async (keys) => {
      const stored = await store.readMany(TABLE, keys);
      return stored.map((value) => Outcome.safeParse(value).data);
    },
    remember: async (outcomes) => {
      const scored = [...outcomes].filter(([, { outcome }]) => outcome === 'scored');
      await store.write(
        'verdicts',
        scored.map(([key, value]) => ({ table: TABLE, key, value })),
      );
    },
  };
}
