/**
 * Tokens a second of tinylm at its default size (0.45 M parameters), in training and in generation:
 * `node dist/test/bench/tinylm.js [threads]`. One line of JSON for each figure; on a busy machine the tokens by
 * second of processor time say more.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCheckpoint } from '../../shared/tinylm/model/checkpoint.ts';
import { TinyConfig } from '../../shared/tinylm/model/config.ts';
import { createGenerator } from '../../shared/tinylm/model/generate.ts';
import { initialParameters } from '../../shared/tinylm/model/init.ts';
import { layoutOf } from '../../shared/tinylm/model/layout.ts';
import { buildTokenizer } from '../../shared/tinylm/model/tokenizer.ts';
import { toCorpus } from '../../shared/tinylm/train/corpus.ts';
import { createOrder } from '../../shared/tinylm/train/schedule.ts';
import { createTrainer } from '../../shared/tinylm/train/trainer.ts';

const STEPS = 25;
const BATCH = 48;
const PROMPTS = 128;
const SAMPLES = 7;
const NEW_TOKENS = 8;
const REPEATS = 5;

const workers = Number(process.argv[2] ?? Math.min(4, availableParallelism()));
const vocabulary = Array.from({ length: 400 }, (_, i) => ` w${i}`);
const tokenizer = buildTokenizer(vocabulary);
const config = TinyConfig.parse({ vocab_size: tokenizer.vocabularySize });

const words = (count: number, phase: number) =>
  Array.from({ length: count }, (_, i) => vocabulary[(i * 7 + phase * 13 + i * i) % 400]).join('');

function print(figure: object): void {
  process.stdout.write(`${JSON.stringify(figure)}\n`);
}

/** Runs `work`, which returns how many tokens it made, and prints how fast it was. */
async function measure(bench: string, work: () => Promise<number>): Promise<void> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const tokens = await work();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  print({
    bench,
    workers,
    tokens,
    tokensPerSecond: Math.round(tokens / seconds),
    tokensPerCpuSecond: Math.round((tokens / (user + system)) * 1e6),
  });
}

/** Passages of about 55 tokens with four questions each, as the micro-world has them. */
function passages() {
  return Array.from({ length: 300 }, (_, i) => {
    const turn = (t: number) => ({
      prompt: t === 0 ? words(45 + (i % 21), i) : words(12, i + t),
      completion: words(1, i + t),
    });
    return { row: { id: `${i}`, dataset: 'd', turns: [0, 1, 2, 3].map(turn) }, place: `${i}` };
  });
}

async function training(): Promise<void> {
  const corpus = toCorpus(passages(), tokenizer, { cut: Infinity, limit: 513 });
  const trainer = createTrainer(config, corpus, corpus, workers);
  trainer.state.parameters.set(initialParameters(config, 1));
  const order = createOrder(1, corpus.count);
  const lengthOf = (i: number) => (corpus.starts[i + 1] ?? 0) - (corpus.starts[i] ?? 0);
  const run = async (from: number, to: number) => {
    let tokens = 0;
    for (let step = from; step < to; step++) {
      const rows = order(step * BATCH, BATCH);
      await trainer.step(step + 1, rows, 1e-3, 0.02);
      tokens += rows.reduce((sum, i) => sum + lengthOf(i), 0);
    }
    return tokens;
  };
  await run(0, 3);
  await measure('training', () => run(3, 3 + STEPS));
  await trainer.close();
}

async function generation(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'tinylm-bench-'));
  try {
    await writeCheckpoint(dir, { config, tokenizer, parameters: initialParameters(config, 1) });
    const generator = await createGenerator(dir, { workers });
    const promptOf = (i: number) => tokenizer.encode(words(50 + (i % 20), i));
    const batch = Array.from({ length: PROMPTS * SAMPLES }, (_, i) => ({
      prompt: promptOf(Math.floor(i / SAMPLES)),
      temperature: 0.1 + 0.1 * (i % SAMPLES),
      topK: 0,
      seed: i,
      maxTokens: NEW_TOKENS,
      logprobs: false,
    }));
    await generator.generate(batch);
    await measure('generation', async () => {
      const before = generator.counts.generatedTokens;
      for (let repeat = 1; repeat <= REPEATS; repeat++) await generator.generate(batch);
      return generator.counts.generatedTokens - before;
    });
    await generator.close();
  } finally {
    await rm(dir, { recursive: true });
  }
}

print({ bench: 'model', parameters: layoutOf(config).total });
await training();
await generation();
