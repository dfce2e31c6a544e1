/**
 * The scheduler of an engine of fixed speed, after vLLM's: a slot for each sequence that runs, first come first served, so many ms for each
 * token read and for each one written, and a cache of what was read, by whole blocks.
 */
import { createPrefixCache } from './prefix-cache.ts';

/** What the engine is: how many sequences run at once, and its times in ms. */
export interface Speed {
  readonly slots: number;
  readonly msPerToken: number;
  readonly msPerPromptToken: number;
}

/** Counts since the engine started, up to now; the tokens of sequences under way in part. */
export interface Counts {
  readonly running: number;
  readonly waiting: number;
  readonly generated: number;
  /** Tokens of all prompts, and how many of them were in the cache. */
  readonly prompted: number;
  readonly cached: number;
  readonly finished: number;
}

interface Sequence {
  readonly salt: string;
  readonly prompt: string;
  readonly tokens: number;
  readonly done: () => void;
}

export interface Engine {
  counts(): Counts;
  /** Resolves when so many tokens were written. The prompt of all sequences with this salt is read once. */
  run(sequence: Omit<Sequence, 'done'>): Promise<void>;
}

export function createEngine({ slots, msPerToken, msPerPromptToken }: Speed): Engine {
  const cache = createPrefixCache();
  const waiting: Sequence[] = [];
  const running = new Set<{ from: number; tokens: number }>();
  let [generated, prompted, cached, finished] = [0, 0, 0, 0];

  function admit(): void {
    while (running.size < slots) {
      const next = waiting.shift();
      if (next === undefined) return;
      start(next);
    }
  }

  function start({ salt, prompt, tokens, done }: Sequence): void {
    const read = cache.read(salt, prompt);
    prompted += read.tokens;
    cached += read.cached;
    const from = performance.now() + (read.tokens - read.cached) * msPerPromptToken;
    const one = { from, tokens };
    running.add(one);
    const end = (): void => {
      running.delete(one);
      generated += tokens;
      finished += 1;
      admit();
      done();
    };
    setTimeout(end, from + tokens * msPerToken - performance.now());
  }

  return {
    counts: () => {
      const now = performance.now();
      const part = [...running].map(({ from, tokens }) =>
        Math.min(tokens, Math.max(0, (now - from) / msPerToken)),
      );
      return {
        running: running.size,
        waiting: waiting.length,
        generated: part.reduce((sum, tokens) => sum + tokens, generated),
        prompted,
        cached,
        finished,
      };
    },
    run: (sequence) =>
      new Promise((done) => {
        waiting.push({ ...sequence, done });
        admit();
      }),
  };
}
