import { setImmediate } from 'node:timers/promises';
import type { JudgeResult, JudgeUnit, Outcome } from '../../shared/contract/work.ts';
import type { Ask, Question } from './ask.ts';
import type { VerdictCache } from './cache.ts';

/** What is known of a unit in hand: its verdicts from the cache, and those given since, which outlive an outage. */
export interface Answers {
  recall(cache: VerdictCache): Promise<void>;
  /** Asks for every verdict that is missing. Stops at the first TransientError, with what was answered until then kept. */
  complete(ask: Ask, signal: AbortSignal): Promise<void>;
  /** Stores the new verdicts, and returns how many were new and how many were in the cache. */
  remember(cache: VerdictCache): Promise<Counts>;
  /** Throws where a verdict is missing. */
  toResult(peer: string): JudgeResult;
}

export type Counts = Record<Outcome['outcome'] | 'cached', number>;

export function createAnswers(unit: JudgeUnit, fingerprint: string): Answers {
  const questions = unit.items.flatMap(({ example, texts }) =>
    texts.map(({ id, text }): Question => ({ example, id, text })),
  );
  const cached = new Map<string, Outcome>();
  const given = new Map<string, { question: Question; outcome: Outcome }>();
  const outcomeOf = (key: string): Outcome | undefined =>
    cached.get(key) ?? given.get(key)?.outcome;

  return {
    recall: async (cache) => {
      const recalled = questions.map(async (question) => {
        const outcome = await cache.recall(fingerprint, question);
        if (outcome !== undefined) cached.set(keyOf(question.example.id, question.id), outcome);
      });
      await Promise.all(recalled);
    },
    complete: async (ask, signal) => {
      let example = '';
      for (const question of questions) {
        const key = keyOf(question.example.id, question.id);
        if (outcomeOf(key) !== undefined) continue;
        // Judges that compute would otherwise keep the lane from renewing its unit.
        if (example !== question.example.id) await setImmediate();
        example = question.example.id;
        signal.throwIfAborted();
        given.set(key, { question, outcome: await ask(question, signal) });
      }
    },
    remember: async (cache) => {
      await cache.remember(fingerprint, [...given.values()]);
      const scored = [...given.values()].filter(({ outcome }) => outcome.outcome === 'scored');
      return { scored: scored.length, unscored: given.size - scored.length, cached: cached.size };
    },
    toResult: (peer) => ({
      kind: 'judge',
      run: unit.run,
      unit: unit.unit,
      peer,
      judge: unit.judge.name,
      fingerprint,
      items: unit.items.map(({ example, texts }) => ({
        example: example.id,
        verdicts: texts.map(({ id }) => {
          const answer = outcomeOf(keyOf(example.id, id));
          if (answer === undefined) throw new Error(`text ${id} of ${example.id} has no verdict`);
          return { text: id, answer };
        }),
      })),
    }),
  };
}

function keyOf(example: string, text: string): string {
  return `${example}/${text}`;
}
