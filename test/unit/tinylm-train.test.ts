import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TinyConfig } from '../../shared/tinylm/model/config.ts';
import { initialParameters } from '../../shared/tinylm/model/init.ts';
import { buildTokenizer } from '../../shared/tinylm/model/tokenizer.ts';
import { sequenceOf, toCorpus } from '../../shared/tinylm/train/corpus.ts';
import { readRows } from '../../shared/tinylm/train/data.ts';
import { createOrder, lengthOf, rateAt } from '../../shared/tinylm/train/schedule.ts';
import { createTrainer } from '../../shared/tinylm/train/trainer.ts';
import { colourRows } from '../support/training-rows.ts';

const rows = colourRows(60).map((row, i) => ({ row, place: `rows.jsonl:${i + 1}` }));
const tokenizer = buildTokenizer(
  rows.flatMap(({ row }) => row.turns.flatMap(({ prompt, completion }) => [prompt, completion])),
);
const unlimited = { cut: Number.POSITIVE_INFINITY, limit: 64 };
const config = TinyConfig.parse({
  vocab_size: tokenizer.vocabularySize,
  hidden_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 64,
  max_position_embeddings: 64,
});

async function trainFor(steps: number, workers: number) {
  const corpus = toCorpus(rows, tokenizer, unlimited);
  const trainer = createTrainer(config, corpus, corpus, workers);
  try {
    trainer.state.parameters.set(initialParameters(config, 3));
    const order = createOrder(3, corpus.count);
    const losses: number[] = [];
    for (let step = 0; step < steps; step++)
      losses.push(await trainer.step(step + 1, order(step * 11, 11), 3e-3, 0.02));
    const parameters = trainer.state.parameters.slice();
    return {
      losses,
      dev: await trainer.evaluate(),
      fromItself: await trainer.divergence(parameters),
      fromStart: await trainer.divergence(initialParameters(config, 3)),
      parameters,
    };
  } finally {
    await trainer.close();
  }
}

describe('training', () => {
  test('gives the same weights and losses bit for bit on one, two and three threads', async () => {
    const [one, two, three] = await Promise.all([1, 2, 3].map((workers) => trainFor(6, workers)));
    expect(two).toEqual(one);
    expect(three).toEqual(one);
    expect(one?.losses.every(Number.isFinite)).toBe(true);
  });

  test('lets the loss fall', async () => {
    const { losses, dev, fromItself, fromStart } = await trainFor(60, 2);
    expect(losses[0]).toBeGreaterThan(2);
    expect(dev).toBeLessThan(1);
    expect(fromItself).toBe(0);
    expect(fromStart).toBeGreaterThan(1);
  });

  test('a loss that is not finite changes no weight', async () => {
    const corpus = toCorpus(rows, tokenizer, unlimited);
    const trainer = createTrainer(config, corpus, corpus, 1);
    try {
      const start = initialParameters(config, 3);
      start[5] = Number.NaN;
      trainer.state.parameters.set(start);
      const order = createOrder(3, corpus.count);
      expect(await trainer.step(1, order(0, 60), 3e-3, 0)).toBeNaN();
      expect(trainer.state.parameters).toEqual(start);
    } finally {
      await trainer.close();
    }
  });
});

describe('a corpus', () => {
  const row = {
    id: 'a',
    dataset: 'd',
    turns: [
      { prompt: 'The cat ?', completion: ' red' },
      { prompt: ' What is the dog ?', completion: ' blue' },
    ],
  };
  const place = 'a.jsonl:7';

  test('learns the completions and the end token behind each, and reads no token behind the last', () => {
    const corpus = toCorpus([{ row, place }], tokenizer, unlimited);
    const { tokens, targets, queries } = sequenceOf(corpus, 0);
    const end = tokenizer.endToken;
    const [red] = tokenizer.encode(' red');
    const [blue] = tokenizer.encode(' blue');
    expect([...targets]).toEqual([red, end, blue, end]);
    expect([...queries].map((position) => tokens[position + 1])).toEqual([
      red,
      end,
      blue,
      undefined,
    ]);
    expect(tokens[0]).toBe(end);
    expect(tokenizer.decode([...tokens])).toBe('The cat ? red What is the dog ? blue');
  });

  test('cuts rows at maxLength', () => {
    const corpus = toCorpus([{ row, place }], tokenizer, { cut: 6, limit: 64 });
    expect(sequenceOf(corpus, 0).targets).toHaveLength(2);
  });

  test.each([
    [{ cut: 4, limit: 64 }, 'a.jsonl:7: no token of a completion within the first 4 tokens'],
    [{ cut: 99, limit: 10 }, 'a.jsonl:7: 13 tokens, but the model takes 10; shorten the row'],
  ])('refuses a row that the lengths %j leave no room for, and names it', (limits, message) => {
    expect(() => toCorpus([{ row, place }], tokenizer, limits)).toThrow(message);
  });
});

describe('rows', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rows-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  const good = JSON.stringify(colourRows(1)[0]);
  test.each([
    ['{"id": ', 'not JSON'],
    ['{"id":"a","dataset":"d","turns":[]}', 'turns'],
    ['{"id":"a","dataset":"d","turns":[{"prompt":"p","completion":5}]}', 'turns[0].completion'],
    ['{"id":"a","dataset":"d","turns":[{"prompt":"p","completion":"c"}],"x":1}', '"x"'],
  ])('a bad line %s is named by file and line', async (line, reason) => {
    const path = join(folder, 'bad.jsonl');
    await writeFile(path, `${good}\n\n${line}\n`);
    const reading = readRows([path]);
    await expect(reading).rejects.toThrow(`${path}:3: `);
    await expect(reading).rejects.toThrow(reason);
    await expect(reading).rejects.toMatchObject({ kind: 'bad-data' });
  });

  test('a missing file is named', async () => {
    const path = join(folder, 'none.jsonl');
    await expect(readRows([path])).rejects.toThrow(path);
  });
});

describe('the schedule', () => {
  const training = {
    steps: 100,
    batchSize: 8,
    learningRate: 0.1,
    schedule: 'linear',
    warmupRatio: 0.1,
    weightDecay: 0,
    saveEverySteps: 10,
    pick: 'last',
  } as const;

  test('rises over the warm-up, then follows its shape to nearly zero', () => {
    const at = (schedule: 'linear' | 'cosine' | 'constant-linear', step: number) =>
      rateAt({ ...training, schedule }, step, 100);
    expect(at('linear', 0)).toBeCloseTo(0.01);
    expect(at('linear', 9)).toBeCloseTo(0.1);
    expect(at('linear', 55)).toBeCloseTo(0.05);
    expect(at('cosine', 55)).toBeCloseTo(0.05);
    expect(at('constant-linear', 59)).toBeCloseTo(0.1);
    expect(at('constant-linear', 80)).toBeCloseTo(0.05);
    for (const schedule of ['linear', 'cosine', 'constant-linear'] as const)
      expect(at(schedule, 99)).toBeLessThan(0.003);
  });

  test('epochs are counted in whole rows, and the last step may be smaller', () => {
    const { steps: _, ...byEpoch } = training;
    expect(lengthOf({ ...byEpoch, epochs: 1.5 }, 20)).toEqual({ steps: 4, sequences: 30 });
    expect(lengthOf(training, 20)).toEqual({ steps: 100, sequences: 800 });
  });

  test('each epoch has every row once, in an order that a resumed job draws again', () => {
    const order = createOrder(7, 20);
    const first = order(0, 20);
    const second = order(20, 20);
    expect([...first].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(second).not.toEqual(first);
    expect(createOrder(7, 20)(13, 14)).toEqual(
      Uint32Array.from([...first.slice(13), ...second.slice(0, 7)]),
    );
    expect(createOrder(8, 20)(0, 20)).not.toEqual(first);
  });
});
