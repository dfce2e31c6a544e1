import type { Pointer } from '../kernels/load.ts';
import type { Engine } from './engine.ts';
import { uniform } from './random.ts';

/** How one token is chosen. */
export interface Choice {
  /** 0 takes the most likely token, of equals the first. */
  readonly temperature: number;
  /** Keeps this many of the most likely tokens; 0 keeps all. */
  readonly topK: number;
  /** 31 bits. */
  readonly seed: number;
}

export interface SampleRequest extends Choice {
  /** Token ids; together with the completion at most max_position_embeddings. */
  readonly prompt: readonly number[];
  readonly maxTokens: number;
  readonly logprobs: boolean;
}

export interface Sample {
  /** Without the end token. */
  tokens: number[];
  /** Natural logarithm of each token's probability; empty unless asked for. */
  logprobs: number[];
  /** The end token came, or there was no room for more. */
  finish: 'stop' | 'length';
}

/**
 * The next token by the logits at `logits`: divided by the temperature, cut to the top k, then the inverse of the
 * cumulative distribution at a number that depends on (seed, index) alone. `weights` is a work area of a vocabulary.
 */
export function chooseToken(
  { kernels, config }: Engine,
  logits: Pointer,
  weights: Pointer,
  { temperature, topK, seed }: Choice,
  index: number,
): number {
  const vocabulary = config.vocab_size;
  if (temperature === 0) return kernels.argmax(logits, vocabulary);
  kernels.temper(weights, logits, vocabulary, temperature);
  kernels.cutBelow(weights, logits, vocabulary, topK);
  return kernels.pick(weights, vocabulary, uniform(seed, index));
}

/** ln p(token) by the logits as they are: temperature and top k do not enter. */
export function logProbability(
  { kernels, config, space }: Engine,
  logits: Pointer,
  token: number,
): number {
  const vocabulary = config.vocab_size;
  const at = (id: number) => space.floats[logits / 4 + id] ?? Number.NaN;
  const highest = at(kernels.argmax(logits, vocabulary));
  return at(token) - highest - Math.log(kernels.sumExponentials(logits, vocabulary));
}
