import { PermanentError } from '../../shared/contract/failure.ts';
import type { Profiles } from '../../shared/contract/peer.ts';
import { unknownName } from '../../shared/contract/problems.ts';
import type { Store } from '../../shared/store/store.ts';
import type { NliModel } from './nli/nli.ts';
import { createOnnxNli } from './nli/onnx.ts';
import { withPairCache } from './nli/pair-cache.ts';
import { createTeiNli } from './nli/tei.ts';
import { openProvider } from './providers/openai.ts';
import type { Provider } from './providers/provider.ts';
import type { Note } from './scorers/child.ts';
import { createScorer } from './scorers/create.ts';
import type { Scorer } from './scorers/scorer.ts';

/** What stands behind the judges of this peer, by the names in its profiles. Throws PermanentError for a name that is not there. */
export interface Engines {
  provider(name: string): Provider;
  nli(name: string): NliModel;
  scorer(name: string): Scorer;
}

export interface EngineMeans {
  /** Told what programs behind a judge say on stderr. */
  readonly note?: Note;
  /** Keeps what engines remember; in memory without one. */
  readonly store?: Store;
}

/** Each is made once, at its first use; disposing ends what runs behind them. */
export function createEngines(
  { providers, nli, scorers }: Profiles,
  { note = () => undefined, store }: EngineMeans = {},
): Engines & AsyncDisposable {
  const running: Scorer[] = [];
  return {
    provider: madeOnce('provider', providers, openProvider),
    nli: madeOnce('NLI profile', nli, (profile) =>
      withPairCache(
        'url' in profile ? createTeiNli(profile.url) : createOnnxNli(profile.folder),
        store,
      ),
    ),
    scorer: madeOnce('scorer', scorers, (profile) => {
      const scorer = createScorer(profile, note);
      running.push(scorer);
      return scorer;
    }),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(running.map((scorer) => scorer.close()));
    },
  };
}

function madeOnce<TProfile, TEngine>(
  kind: string,
  profiles: Readonly<Record<string, TProfile>>,
  make: (profile: TProfile, name: string) => TEngine,
): (name: string) => TEngine {
  const made = new Map<string, TEngine>();
  return (name) => {
    const profile = profiles[name];
    if (profile === undefined)
      throw new PermanentError(unknownName(kind, name, Object.keys(profiles)));
    const engine = made.get(name) ?? make(profile, name);
    made.set(name, engine);
    return engine;
  };
}
