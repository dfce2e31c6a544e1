import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createArena, createSpace } from '../../shared/tinylm/kernels/load.ts';
import { takeForwardActivations } from '../../shared/tinylm/model/activations.ts';
import { createEngine, takeEngineRoom } from '../../shared/tinylm/model/engine.ts';
import { forward } from '../../shared/tinylm/model/forward.ts';
import { createGenerator, type Generator } from '../../shared/tinylm/model/generate.ts';
import { layoutOf } from '../../shared/tinylm/model/layout.ts';
import { layOut } from '../../shared/tinylm/model/ragged.ts';
import {
  chooseToken,
  logProbability,
  type Sample,
  type SampleRequest,
} from '../../shared/tinylm/model/sample.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { writeTinyCheckpoint } from '../support/tiny-checkpoint.ts';

let folder: TemporaryFolder;
let checkpoint: Awaited<ReturnType<typeof writeTinyCheckpoint>>;
let one: Generator;
let three: Generator;

beforeAll(async () => {
  folder = await temporaryFolder();
  checkpoint = await writeTinyCheckpoint(folder.path);
  one = await createGenerator(folder.path, { workers: 1 });
  three = await createGenerator(folder.path, { workers: 3 });
});

afterAll(async () => {
  await one.close();
  await three.close();
  await folder[Symbol.asyncDispose]();
});

const greedy = { temperature: 0, topK: 0, seed: 0, maxTokens: 12, logprobs: true };

/** 120 requests for 30 prompts of 0 to 19 tokens, with all kinds of sampling. */
function mixedBatch(): SampleRequest[] {
  return Array.from({ length: 120 }, (_, i) => ({
    prompt: Array.from({ length: (i % 30) % 20 }, (_, j) => 17 + (((i % 30) * 3 + j * 5) % 14)),
    temperature: [0, 0.7, 1, 1.6][i % 4] ?? 0,
    topK: [0, 3, 0, 5, 1][i % 5] ?? 0,
    seed: 1000 + i,
    maxTokens: 1 + (i % 13),
    logprobs: true,
  }));
}

/** The model asked again for the whole text at every token. */
function generateSlowly(request: SampleRequest): Sample {
  const { config, tokenizer, parameters } = checkpoint;
  const arena = createArena();
  const pointers = { parameters: arena.take(layoutOf(config).total), weights: arena.take(64) };
  const room = takeEngineRoom(arena, config);
  const acts = takeForwardActivations(arena, config, { rows: 40, queries: 1, scores: 1600 });
  const space = createSpace(arena.taken());
  const engine = createEngine(space, config, pointers.parameters, room);
  space.floats.set(parameters, pointers.parameters / 4);
  const sample: Sample = { tokens: [], logprobs: [], finish: 'length' };
  while (sample.tokens.length < request.maxTokens) {
    const tokens = [tokenizer.endToken, ...request.prompt, ...sample.tokens];
    const asked = { tokens, queries: [tokens.length - 1], targets: [] };
    forward(engine, acts, layOut([asked], config.conv_taps));
    const index = sample.tokens.length;
    const token = chooseToken(engine, acts.logits, pointers.weights, request, index);
    if (token === tokenizer.endToken) return { ...sample, finish: 'stop' };
    sample.tokens.push(token);
    sample.logprobs.push(logProbability(engine, acts.logits, token));
  }
  return sample;
}

describe('a sample', () => {
  test('decoded with caches has the bits of one for which the whole text is read at every token', async () => {
    const batch = mixedBatch();
    const samples = await one.generate(batch);
    expect(samples).toEqual(batch.map(generateSlowly));
    const lengths = new Set(samples.map(({ tokens }) => tokens.length));
    expect(lengths.size).toBeGreaterThan(5);
    expect(new Set(samples.map(({ finish }) => finish))).toEqual(new Set(['stop', 'length']));
  });

  test('does not depend on its neighbours, on their order or on the number of threads', async () => {
    const batch = mixedBatch();
    const together = await one.generate(batch);
    expect(await three.generate(batch)).toEqual(together);
    expect((await three.generate(batch.toReversed())).toReversed()).toEqual(together);
    for (const [i, request] of batch.slice(0, 8).entries())
      expect(await three.generate([request])).toEqual([together[i]]);
  });

  test('does not depend on what is generated at the same time', async () => {
    const batch = mixedBatch();
    const together = await one.generate(batch);
    const parts = await Promise.all(
      [0, 40, 80].map((from) => three.generate(batch.slice(from, from + 40))),
    );
    expect(parts.flat()).toEqual(together);
  });
});

describe('sampling', () => {
  test('with top k 1 is greedy at any temperature', async () => {
    const batch = mixedBatch().map((request) => ({ ...request, temperature: 1.3, topK: 1 }));
    const asGreedy = batch.map((request) => ({ ...request, temperature: 0 }));
    expect(await one.generate(batch)).toEqual(await one.generate(asGreedy));
  });

  test('draws tokens as often as the softmax says', async () => {
    const drawn = { prompt: [20], temperature: 1, topK: 0, maxTokens: 1, logprobs: true };
    const draws = 4000;
    const samples = await three.generate(
      Array.from({ length: draws }, (_, seed) => ({ ...drawn, seed })),
    );
    const counts = new Map<number, { count: number; p: number }>();
    for (const { tokens, logprobs } of samples) {
      const [token = -1] = tokens;
      const p = Math.exp(logprobs[0] ?? 0);
      counts.set(token, { count: (counts.get(token)?.count ?? 0) + 1, p });
    }
    for (const { count, p } of [...counts.values()].filter(({ p }) => p > 0.01 && p < 1))
      expect(Math.abs(count - draws * p)).toBeLessThan(4 * Math.sqrt(draws * p * (1 - p)));
    expect(counts.size).toBeGreaterThan(10);
  });

  test('with top k 3 draws no more than three different tokens', async () => {
    const drawn = { prompt: [20, 21], temperature: 2, topK: 3, maxTokens: 1, logprobs: false };
    const samples = await three.generate(
      Array.from({ length: 300 }, (_, seed) => ({ ...drawn, seed })),
    );
    expect(new Set(samples.map(({ tokens }) => tokens.join())).size).toBe(3);
  });
});

describe('limits', () => {
  test('equal prompts are read once, whatever their sampling fields', async () => {
    const before = one.counts.prefilledTokens;
    const requests = Array.from({ length: 7 }, (_, seed) => ({
      ...greedy,
      seed,
      prompt: [20, 21],
    }));
    await one.generate([...requests, { ...greedy, prompt: [20] }]);
    expect(one.counts.prefilledTokens - before).toBe(3 + 2);
  });

  test('a completion ends where the positions of the model end', async () => {
    const prompt = Array.from({ length: 29 }, () => 20);
    const requests = [0, 1, 2].map((seed) => ({ ...greedy, prompt, temperature: 3, seed }));
    for (const { tokens, finish } of await one.generate(requests))
      expect([tokens.length, finish]).toSatisfy(
        ([length, finish]) => (length === 3 && finish === 'length') || finish === 'stop',
      );
    const full = { ...greedy, prompt: Array.from({ length: 32 }, () => 20) };
    expect(await one.generate([full])).toEqual([{ tokens: [], logprobs: [], finish: 'length' }]);
  });

  test('a prompt that is too long and an id outside the vocabulary are refused by number', async () => {
    const long = { ...greedy, prompt: Array.from({ length: 33 }, () => 20) };
    await expect(one.generate([{ ...greedy, prompt: [] }, long])).rejects.toThrow(
      'request 1: the prompt has 33 tokens, the model takes 32',
    );
    await expect(one.generate([{ ...greedy, prompt: [9999] }])).rejects.toThrow(
      'request 0: 9999 is no token of the model',
    );
  });

  test('no request gives no sample, and no tokens an empty one', async () => {
    expect(await one.generate([])).toEqual([]);
    const [sample] = await one.generate([{ ...greedy, prompt: [20], maxTokens: 0 }]);
    expect(sample?.tokens).toEqual([]);
  });

  test('closing rejects what is being generated', async () => {
    const generator = await createGenerator(folder.path, { workers: 1 });
    const pending = generator.generate(mixedBatch());
    const rejected = expect(pending).rejects.toThrow('the worker thread has ended');
    await generator.close();
    await rejected;
  });
});
