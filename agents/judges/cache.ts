import { z } from 'zod';
import { Outcome } from '../../shared/contract/work.ts';
import type { Store } from '../../shared/store/store.ts';

export const TABLE = 'verdict';

/** A verdict and the unit for which it was given, as `<run>/<unit>`. */
const Remembered = z.strictObject({ answer: Outcome, unit: z.string() });
export type Remembered = z.infer<typeof Remembered>;

/** Scored verdicts of this peer, by `verdictKey`. Deleting its folder costs time, no truth. */
export interface VerdictCache {
  /** In the order of the keys; undefined for what is not there. */
  recall(keys: readonly string[]): Promise<(Remembered | undefined)[]>;
  /** Survives kill -9 when it returns; unscored ones are left out, for trying again may help. */
  remember(unit: string, outcomes: ReadonlyMap<string, Outcome>): Promise<void>;
}

/** For a judge that only computes: it has said the same again sooner than it is found. */
export const noCache: VerdictCache = {
  recall: (keys) => Promise.resolve(keys.map(() => undefined)),
  remember: () => Promise.resolve(),
};

export function createCache(store: Store): VerdictCache {
  return {
    recall: async (keys) => {
      const stored = await store.readMany(TABLE, keys);
      return stored.map((value) => Remembered.safeParse(value).data);
    },
    remember: async (unit, outcomes) => {
      const scored = [...outcomes].filter(([, { outcome }]) => outcome === 'scored');
      await store.write(
        'verdicts',
        scored.map(([key, answer]) => ({ table: TABLE, key, value: { answer, unit } })),
      );
    },
  };
}
