import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadDatasets } from '../../agents/curator/dataset/load.ts';
import { measureRows } from '../../agents/curator/plan/measure.ts';
import { measurePrompts } from '../../agents/judges/prompts/measure.ts';
import { estimateRun, type RunEstimate } from '../../coordinator/cli/estimate/make.ts';
import { noJudging } from '../../shared/contract/judging.ts';
import type { RunFile } from '../../shared/contract/run-file.ts';
import { makeFolder, makeRound, startWorkers } from '../support/curating.ts';
import { gpt, judgesWithGpt, paid } from '../support/paid.ts';

const cli = fileURLToPath(new URL('../../coordinator/cli/main.js', import.meta.url));
const examples = fileURLToPath(new URL('../../../deploy/examples', import.meta.url));

/** A run file of 40 instruction rows, of which 5 % are held out as dev, in a folder where no cluster is. */
function makeRun(changes: object = {}, row: object = { instruction: 'Say it.' }) {
  const folder = makeFolder();
  const rows = Array.from({ length: 40 }, (_, at) =>
    JSON.stringify({
      id: at,
      ...row,
      ...('instruction' in row ? { instruction: `Say ${at}.` } : {}),
    }),
  );
  writeFileSync(join(folder, 'train.jsonl'), rows.join('\n'));
  const file = {
    run: 'priced',
    seed: 1,
    model: { base: 'scratch', template: 'plain' },
    sampling: { server: 'local', maxTokens: 100 },
    datasets: [{ name: 'instruct', kind: 'instruction', train: 'train.jsonl', perRound: 20 }],
    judges: [{ name: 'gpt', axis: 'instruction', type: 'llm', provider: 'openai', model: 'big' }],
    training: { backend: 'tinylm', learningRate: 1e-3, batchSize: 8, steps: 1 },
    rounds: { max: 2 },
    ...changes,
  };
  writeFileSync(join(folder, 'run.yaml'), JSON.stringify(file));
  writeFileSync(
    join(folder, 'profiles.yaml'),
    'providers: { openai: { url: "http://127.0.0.1:1/v1", prices: { big: { prompt: 10, completion: 30 } } } }',
  );
  return folder;
}

const estimate = (folder: string, ...flags: string[]) => command('estimate', folder, ...flags);

async function command(name: string, folder: string, ...flags: string[]) {
  const args = [cli, name, join(folder, 'run.yaml'), '--state', folder, ...flags];
  const { RESET_NATS_URL: _, RESET_PROFILES: __, ...env } = process.env;
  const child = spawn(process.execPath, args, { env });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

/** Of a round: 20 rows of 7 candidates, six canaries on two of them, and 5 % of them once more. */
const PROBED = 20 * 7 + 2 * 6 + 1;

test('an estimate is made of the rows as the curator reads them, the prompts as judges write them, and the prices of a peer', async () => {
  const folder = makeRun({ budget: { usd: 2 } });
  const profiles = ['--profiles', join(folder, 'profiles.yaml')];
  const { code, stdout } = await estimate(folder, ...profiles, '--json');
  expect(code).toBe(0);
  const { worst, expected, rounds } = JSON.parse(stdout) as RunEstimate;
  expect(rounds).toBe(2);
  const { round, evaluation, run } = worst.total;
  expect(round).toMatchObject({ calls: PROBED, completionTokens: PROBED * 512 });
  expect(round.usd).toBeCloseTo((10 * round.promptTokens + 30 * round.completionTokens) / 1e6, 9);
  // Two dev rows; and after the start, its answers to both once more.
  expect(evaluation.calls).toBe(2 + 2);
  expect(run.calls).toBe(2 + 2 * PROBED + 2 * (2 + 2));
  expect(worst.budgetEnds).toEqual({ round: 1, part: 'dataset' });
  expect(expected.total.round.calls).toBe(0.8 * 140 + 13);
  expect(worst.assumptions).toContain(
    'gpt: a round asks about 12 canaries and 1 texts once more, its evaluation about 2 answers of the start',
  );
  expect(expected.total.run.usd).toBeLessThan(run.usd ?? 0);

  const shown = await estimate(folder, ...profiles);
  expect(shown.code).toBe(0);
  expect(shown.stdout).toContain('budget.usd: $2 end in round 1, while its candidates are judged');
});

test.each(['estimate', 'run'])(
  '%s refuses a file that its server could not serve',
  async (name) => {
    const folder = makeRun();
    const profiles = join(folder, 'lora.yaml');
    const server = { driver: 'vllm', url: 'http://127.0.0.1:1', switch: { by: 'lora' } };
    writeFileSync(profiles, JSON.stringify({ servers: { local: server } }));
    const { code, stderr } = await command(name, folder, '--profiles', profiles);
    expect(stderr).toContain('the rounds train all weights, and their server is switched by lora');
    expect(code).toBe(2);
  },
);

test('a price that is not known is named, with calls and tokens all the same', async () => {
  const folder = makeRun();
  const { code, stdout, stderr } = await estimate(folder);
  expect(code).toBe(2);
  expect(stderr).toContain('the price of judge gpt is not known: give prices of model "big"');
  expect(stdout).toMatch(/gpt +│ a round +│ +153 │.*unknown/);
});

test('what is wrong with the rows or a judge is said as for a run', async () => {
  const rows = await estimate(makeRun({}, { question: 'Why?' }));
  expect(rows).toMatchObject({ code: 2, stdout: '' });
  expect(rows.stderr).toContain('train.jsonl:1: a row of kind instruction needs `instruction`');
  const judges = [{ name: 'gpt', axis: 'instruction', type: 'lim', provider: 'openai' }];
  const judge = await estimate(makeRun({ judges }));
  expect(judge).toMatchObject({ code: 2, stdout: '' });
  expect(judge.stderr).toContain('lim');
});

test('a run without a model among its judges costs nothing', async () => {
  const judges = [{ name: 'rating', axis: 'instruction', type: 'rating-parser' }];
  const { code, stdout } = await estimate(makeRun({ judges }));
  expect(code).toBe(0);
  expect(stdout).toContain('asks a model: judging costs nothing');
});

test('the budget of the example run file lasts to its last round, even if all answers and replies are as long as they may be', async () => {
  const folder = makeFolder();
  copyFileSync(join(examples, 'llama-7b.yaml'), join(folder, 'run.yaml'));
  mkdirSync(join(folder, 'data'));
  const file = parse(readFileSync(join(folder, 'run.yaml'), 'utf8')) as Pick<RunFile, 'datasets'>;
  for (const { kind, ...parts } of file.datasets)
    for (const path of [parts.train ?? [], parts.dev ?? [], parts.test ?? []].flat()) {
      const rows = kind === 'instruction' ? 1000 : 20;
      const lines = Array.from({ length: rows }, (_, at) => JSON.stringify(rowOf(kind, path, at)));
      writeFileSync(join(folder, path), lines.join('\n'));
    }
  const profiles = join(examples, 'profiles.yaml');
  const { code, stdout, stderr } = await estimate(folder, '--profiles', profiles, '--json');
  expect([code, stderr]).toEqual([0, '']);
  const { rounds, worst, expected } = JSON.parse(stdout) as RunEstimate;
  expect(rounds).toBe(6);
  const { round } = worst.judges['gpt'] ?? {};
  // The rows of the issue's own reckoning: 2,000 rows, seven candidates each, some 525 tokens a prompt; then canaries and repeats.
  expect(round?.calls).toBe(14_000 + 12 + 100);
  expect((round?.promptTokens ?? 0) / (round?.calls ?? 1)).toBeGreaterThan(525);
  expect([worst.budgetEnds, expected.budgetEnds]).toEqual([null, null]);
}, 60_000);

/** A row as long as real ones: instructions of some 60 words, contexts of a paragraph. */
function rowOf(kind: string, path: string, at: number): object {
  const words = (count: number): string => `${path} ${at} ${'word '.repeat(count)}`.trim();
  return kind === 'instruction'
    ? { id: at, instruction: words(60), context: null, question: null, references: [words(80)] }
    : { id: at, instruction: null, context: words(150), question: words(10), references: ['word'] };
}

test('a round makes the calls of the worst case, less those whose texts are equal or whose selection is certain', async () => {
  const { file, nats, calls } = await makeRound(30, {
    judges: judgesWithGpt,
    // It says the same of all texts, canaries too.
    rounds: { max: 1, canaries: { atMost: 1 } },
  });
  await using _workers = await startWorkers(nats.url, paid, ['em', 'span', 'gpt']);
  const sealed = await calls.curate('r1');
  if (sealed.outcome !== 'sealed') throw new Error(`the round ended as ${sealed.outcome}`);
  const { calls: made, equal, certain } = sealed.judges['gpt'] ?? noJudging;
  const parts = measureRows(file, await loadDatasets(file, '/'));
  const priced = { spec: gpt, prompts: await measurePrompts(gpt), price: undefined };
  const { worst } = estimateRun(file, [priced], parts, []);
  expect(made).toBeGreaterThan(0);
  expect(made + equal + certain).toBe(worst.total.round.calls);
});
