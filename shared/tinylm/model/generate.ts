import { createSpace, loadKernels } from '../kernels/load.ts';
import { createPool, createThread } from '../threads.ts';
import { readCheckpoint } from './checkpoint.ts';
import type { TinyConfig } from './config.ts';
import type { Group } from './decode.ts';
import { packWeights, planDecoding } from './decode-plan.ts';
import type { DecodeThreadData } from './decode-worker.ts';
import { toQuestions, type Piece } from './questions.ts';
import type { Sample, SampleRequest } from './sample.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Counted since the generator was made. */
export interface TokenCounts {
  readonly prefilledTokens: number;
  readonly generatedTokens: number;
}

/** A model ready to sample, on threads of its own. */
export interface Generator {
  readonly config: TinyConfig;
  readonly tokenizer: Tokenizer;
  readonly counts: TokenCounts;
  /**
   * Samples in the order of the requests. Each depends on the weights and its own request alone, whatever else is in
   * the batch. Equal prompts are read once. Throws RangeError for ids and lengths that the model has no place for.
   */
  generate(batch: readonly SampleRequest[]): Promise<Sample[]>;
  /** Rejects what is still being generated. */
  close(): Promise<void>;
}

/** Loads the checkpoint in `dir`; throws BadCheckpointError. */
export async function createGenerator(
  dir: string,
  options: { workers: number },
): Promise<Generator> {
  const { config, tokenizer, parameters } = await readCheckpoint(dir);
  const { workers } = options;
  const plan = planDecoding(config, workers);
  const { memory, floats } = createSpace(plan.floats);
  floats.set(parameters, plan.parameters / 4);
  packWeights(loadKernels(memory), plan);
  const { endToken } = tokenizer;
  const threads = Array.from({ length: workers }, (_, thread) => {
    const data: DecodeThreadData = { memory, plan, thread, endToken };
    return createThread<readonly Group[], Sample[]>(
      new URL('./decode-worker.js', import.meta.url),
      data,
    );
  });
  const pool = createPool(threads);
  const counts = { prefilledTokens: 0, generatedTokens: 0 };
  return {
    config,
    tokenizer,
    counts,
    generate: async (batch) => {
      const samples: Sample[] = [];
      const questions = toQuestions(config, endToken, batch, workers);
      const ask = async (pieces: readonly Piece[]) => {
        for (const { prompt } of pieces) counts.prefilledTokens += prompt.length;
        const places = pieces.flatMap((piece) => piece.places);
        for (const [i, sample] of (await pool.ask(pieces)).entries()) {
          counts.generatedTokens += sample.tokens.length;
          const place = places[i];
          if (place !== undefined) samples[place] = sample;
        }
      };
      await Promise.all(questions.map(ask));
      return samples;
    },
    close: () => pool.close(),
  };
}
