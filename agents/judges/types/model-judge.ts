import type { z } from 'zod';
import type { Outcome } from '../../../shared/contract/work.ts';
import type { Asking } from '../prompts/asking.ts';
import type { Completed, Provider } from '../providers/provider.ts';
import { type JudgedRow, judgeFactory, type JudgeFactory } from './judge.ts';

/** What every judge that asks a model has among its options. */
export interface ModelOptions {
  readonly provider: string;
  readonly model: string;
  readonly temperature: number;
  readonly maxTokens: number;
}

export interface ModelJudgeType<TOptions extends z.ZodType<ModelOptions>> {
  readonly type: string;
  /** Raised with any change of the prompt or of how its answer is read. */
  readonly revision: number;
  readonly options: TOptions;
  /** What to ask about an answer; or why there is nothing to ask. */
  readonly ask: (options: z.output<TOptions>, row: JudgedRow, answer: string) => Asking | string;
}

type Answered = Extract<Completed, { outcome: 'answered' }>;

/**
 * Makes the factory of a type that asks a model. Each verdict keeps what the model said, its own name for itself, tokens and dollars, one
 * entry in `calls` for each call; what cannot be read is `malformed` and keeps them too, so that it can be read again without a call.
 */
export function modelJudge<TOptions extends z.ZodType<ModelOptions>>({
  ask,
  ...definition
}: ModelJudgeType<TOptions>): JudgeFactory {
  return judgeFactory({
    ...definition,
    needs: { behind: 'provider' },
    rule: (options, engines) => {
      const provider = engines.provider(options.provider);
      return async (row, answer, signal) => {
        const asking = ask(options, row, answer);
        if (typeof asking === 'string') return { outcome: 'unscored', reason: asking };
        return judge(provider, options, asking, signal);
      };
    },
    identity: async ({ provider, model }, engines, signal) => ({
      backend: await engines.provider(provider).identity(model, signal),
    }),
  });
}

async function judge(
  provider: Provider,
  options: ModelOptions,
  { questions, read }: Asking,
  signal: AbortSignal,
): Promise<Outcome> {
  const answers: Answered[] = [];
  for (const question of questions) {
    const { model, temperature, maxTokens } = options;
    const completed = await provider.chat({ model, temperature, maxTokens, ...question }, signal);
    if (completed.outcome === 'answered') {
      answers.push(completed);
      continue;
    }
    const { cause, reason, text, usage } = completed;
    const calls = [...answers.map(callOf), { raw: text, ...usage }];
    return { outcome: 'unscored', reason, cause, details: { calls } };
  }
  const calls = answers.map(callOf);
  const reading = read(...answers.map(({ text }) => text));
  return 'value' in reading
    ? { outcome: 'scored', value: reading.value, details: { ...reading.details, calls } }
    : {
        outcome: 'unscored',
        reason: reading.reason,
        cause: 'malformed',
        details: { ...reading.details, calls },
      };
}

function callOf({ text, model, systemFingerprint, usage }: Answered) {
  return { raw: text, model, systemFingerprint, ...usage };
}
