/** How far samples of a token are from what a model says of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const Expected = z.object({
  prompt: z.string(),
  tokens: z.array(z.object({ text: z.string(), logprob: z.number() })),
});

/** What a model itself says of the first token after a prompt. */
export interface FirstToken {
  prompt: string;
  /** Of each token, the likeliest first. */
  tokens: readonly { text: string; logprob: number }[];
}

export function firstTokenOf(folder: string): FirstToken {
  const { prompt, tokens } = Expected.parse(
    JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')),
  );
  return { prompt, tokens: tokens.sort((one, other) => other.logprob - one.logprob) };
}

/** Probabilities of texts, of `topK` tokens alone where it is above 0. */
export function distributionOf(
  { tokens }: FirstToken,
  { temperature, topK }: { temperature: number; topK: number },
): Map<string, number> {
  const kept = tokens.slice(0, topK === 0 ? undefined : topK);
  const weights = kept.map(({ logprob }) => Math.exp(logprob / temperature));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const shares = new Map<string, number>();
  for (const [i, { text }] of kept.entries())
    shares.set(text, (shares.get(text) ?? 0) + (weights[i] ?? 0) / sum);
  return shares;
}

/** Total variation distance of the shares of `texts` from what is expected. */
export function distanceFrom(
  expected: ReadonlyMap<string, number>,
  texts: readonly (string | undefined)[],
): number {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text ?? '', (counts.get(text ?? '') ?? 0) + 1);
  const all = new Set([...counts.keys(), ...expected.keys()]);
  return (
    [...all].reduce(
      (sum, text) =>
        sum + Math.abs((counts.get(text) ?? 0) / texts.length - (expected.get(text) ?? 0)),
      0,
    ) / 2
  );
}

/**
 * What `n` ideal samples stay below in all but one of a million cases: the mean of their distance, bounded by that of independent counts, and by
 * McDiarmid √(ln 10⁶ / 2n) more; 0.02 for weights of 16 bits that are multiplied in another order.
 */
export function mostDistance(expected: ReadonlyMap<string, number>, n: number): number {
  const mean = [...expected.values()].reduce(
    (sum, share) => sum + Math.sqrt((share * (1 - share)) / n) / 2,
    0,
  );
  return mean + Math.sqrt(Math.log(1e6) / (2 * n)) + 0.02;
}
