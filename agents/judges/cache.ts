import { verdictKey } from '../../shared/contract/ids.ts';
import { Outcome } from '../../shared/contract/work.ts';
import type { Store } from '../../shared/store/store.ts';
import type { Question } from './ask.ts';

const TABLE = 'verdict';

/** Scored verdicts of this peer, under the judge's fingerprint. Deleting its folder costs time, no truth. */
export interface VerdictCache {
  recall(fingerprint: string, question: Question): Promise<Outcome | undefined>;
  /** Durable when it returns; unscored ones are left out, for trying again may help. */
  remember(
    fingerprint: string,
    answers: readonly { question: Question; outcome: Outcome }[],
  ): Promise<void>;
}

export function createCache(store: Store): VerdictCache {
  const keyOf = (fingerprint: string, { example, text }: Question): string =>
    verdictKey(fingerprint, example.id, text);
  return {
    recall: async (fingerprint, question) => {
      const stored = Outcome.safeParse(await store.read(TABLE, keyOf(fingerprint, question)));
      return stored.success ? stored.data : undefined;
    },
    remember: async (fingerprint, answers) => {
      const scored = answers.filter(({ outcome }) => outcome.outcome === 'scored');
      await store.write(
        'verdicts',
        scored.map(({ question, outcome }) => ({
          table: TABLE,
          key: keyOf(fingerprint, question),
          value: outcome,
        })),
      );
    },
  };
}
