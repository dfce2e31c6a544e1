import type { Result } from '../../shared/contract/work.ts';

/** A judge behind which an API is, for instruction rows. */
export const gpt = {
  name: 'gpt',
  axis: 'instruction',
  type: 'llm',
  provider: 'openai',
  model: 'gpt-4',
} as const;

/** The judges of a run of `writeRun` that asks a model about its instructions. */
export const judgesWithGpt = [
  { name: 'em', axis: 'task', type: 'exact-match' } as const,
  { name: 'span', axis: 'faithfulness', type: 'span-coverage' } as const,
  gpt,
];

/** A run of theirs whose figures are those of its candidates alone. */
export const paidRun = {
  judges: judgesWithGpt,
  rounds: { max: 2, gate: { bootstrap: 100 }, canaries: null, repeats: 0 },
};

/** US dollars of a verdict of `paid`. */
export const USD = 0.25;

/** What that judge answers: every verdict is a call with its words, tokens and dollars. Other answers stay as they are. */
export function paid(result: Result): Result {
  if (result.kind !== 'judge' || result.judge !== gpt.name) return result;
  const tokens = { promptTokens: 525, cachedTokens: 100, completionTokens: 60 };
  const call = { raw: 'Right, but terse.\nRating: [[7]]', model: 'gpt-4-0613', ...tokens };
  const details = { rating: 7, calls: [{ ...call, systemFingerprint: null, usd: USD }] };
  const items = result.items.map(({ example, verdicts }) => ({
    example,
    verdicts: verdicts.map(({ text }) => ({
      text,
      answer: { outcome: 'scored' as const, value: 0.7, details },
    })),
  }));
  return { ...result, items };
}
