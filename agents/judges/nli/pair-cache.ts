import { z } from 'zod';
import { digestOf, sha256 } from '../../../shared/contract/ids.ts';
import type { Store } from '../../../shared/store/store.ts';
import type { NliModel, NliPair, NliVerdict } from './nli.ts';

const TABLE = 'nli';

/** About 20 MB. */
const KEPT = 100_000;

const Stored = z.tuple([z.number().min(0).max(1), z.number().min(0).max(1)]);

/**
 * Asks a model once for each pair: the candidates of an example share all of its premises and often a sentence, within a round and between
 * rounds. The latest pairs are in memory, all of them in `store` where there is one; losing either costs time, no truth.
 */
export function withPairCache(model: NliModel, store?: Store): NliModel {
  const memory = new Map<string, NliVerdict>();

  function keep(key: string, verdict: NliVerdict): void {
    // A key that is set anew is the last one of the map.
    memory.delete(key);
    memory.set(key, verdict);
    const [oldest] = memory.keys();
    if (memory.size > KEPT && oldest !== undefined) memory.delete(oldest);
  }

  async function recall(keys: readonly string[]): Promise<(NliVerdict | undefined)[]> {
    const stored = (await store?.readMany(TABLE, keys)) ?? [];
    return stored.map((value) => {
      const { data } = Stored.safeParse(value);
      return data === undefined ? undefined : { ent: data[0], con: data[1] };
    });
  }

  async function ask(
    missing: ReadonlyMap<string, NliPair>,
    signal: AbortSignal,
  ): Promise<NliVerdict[]> {
    const verdicts = await model.classify([...missing.values()], signal);
    const writes = [...missing.keys()].map((key, at) => {
      const { ent, con } = verdicts[at] ?? {};
      return { table: TABLE, key, value: [ent, con] };
    });
    if (store !== undefined) await store.write('verdicts', writes);
    return verdicts;
  }

  return {
    identity: (signal) => model.identity(signal),
    classify: async (pairs, signal) => {
      const identity = digestOf(await model.identity(signal));
      const keys = pairs.map((pair) => keyOf(identity, pair));
      const missing = new Map<string, NliPair>();
      for (const [at, pair] of pairs.entries()) missing.set(keys[at] ?? '', pair);
      const found = new Map<string, NliVerdict>();
      const take = (asked: readonly string[], verdicts: readonly (NliVerdict | undefined)[]) => {
        for (const [at, key] of asked.entries()) {
          const verdict = verdicts[at];
          if (verdict === undefined) continue;
          keep(key, verdict);
          found.set(key, verdict);
          missing.delete(key);
        }
      };
      const distinct = [...missing.keys()];
      take(
        distinct,
        distinct.map((key) => memory.get(key)),
      );
      const forgotten = [...missing.keys()];
      take(forgotten, await recall(forgotten));
      const unknown = [...missing.keys()];
      if (unknown.length > 0) take(unknown, await ask(missing, signal));
      return keys.map((key, at) => {
        const verdict = found.get(key);
        if (verdict === undefined) throw new Error(`the NLI model left out pair ${at}`);
        return verdict;
      });
    },
  };
}

function keyOf(identity: string, [premise, hypothesis]: NliPair): string {
  return sha256(JSON.stringify([identity, premise, hypothesis])).slice(0, 32);
}
