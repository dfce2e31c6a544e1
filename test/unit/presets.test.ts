import { expect, test } from 'vitest';
import { problemsOf } from '../../shared/contract/problems.ts';
import { presetNames } from '../../shared/contract/presets.ts';
import { RunFile } from '../../shared/contract/run-file.ts';
import { TrainingOptions } from '../../shared/contract/training-options.ts';

/** A file that says only what no preset can know. */
const least = {
  run: 'least',
  seed: 1,
  model: { base: '/models/vicuna-7b', template: 'vicuna' },
  sampling: { server: 'gpu-1' },
  datasets: [
    { name: 'nq', kind: 'extractive_qa', train: 'nq.jsonl', perRound: 400 },
    { name: 'instruct', kind: 'instruction', train: 'dolly.jsonl' },
    { name: 'bioasq', kind: 'extractive_qa', test: 'bioasq.jsonl' },
  ],
  judges: [{ name: 'em', axis: 'task', type: 'exact-match' }],
  training: { backend: 'deepspeed' },
};
const rounds = { max: 6 };

test('the preset of RESET fills in the settings of the paper', () => {
  const file = RunFile.parse({ ...least, preset: 'reset', rounds });
  expect(file.training).toEqual({
    backend: 'deepspeed',
    learningRate: 8e-6,
    batchSize: 32,
    epochs: 1,
    schedule: 'cosine',
    warmupRatio: 0.03,
    weightDecay: 0.05,
    saveEverySteps: 100,
    pick: 'last',
    options: TrainingOptions.parse({ maxLength: 2048 }),
  });
  expect(file.sampling).toMatchObject({ server: 'gpu-1', passes: 1, topKTemperature: 1 });
  expect(file.score).toEqual({ task: 1, instruction: 2, faithfulness: 2 });
  expect(file.datasets.map(({ perRound }) => perRound)).toEqual([400, 2000, undefined]);
});

test('RESET-S doubles the candidates and keeps the best 500 of each dataset', () => {
  const { sampling, select } = RunFile.parse({ ...least, preset: 'reset-s', rounds });
  expect([sampling.passes, select.keep]).toEqual([2, { perDataset: 500 }]);
  const best = RunFile.parse({
    ...least,
    preset: 'reset-s',
    rounds,
    select: { keep: { best: 2000 } },
  });
  expect(best.select.keep).toEqual({ best: 2000 });
});

test('the preset of the paper varies top-k at temperature 0, picks by perplexity on dev, and makes one iteration', () => {
  const { sampling, training, rounds: once } = RunFile.parse({ ...least, preset: 'paper' });
  expect([sampling.topKTemperature, training.pick, once.max]).toEqual([0, 'dev-perplexity', 1]);
});

test('a start on references is trained as the multi-task start of the paper, on context alone in smaller batches', () => {
  const start = [
    { name: 'pretrain', rows: 'rows.jsonl' },
    { name: 'cd', datasets: ['nq'] },
    { name: 'mtl', training: { steps: 7 } },
  ];
  const file = RunFile.parse({ ...least, preset: 'reset', rounds, start });
  expect(file.start.map(({ training }) => training)).toEqual([
    {},
    { learningRate: 1e-5, batchSize: 16, pick: 'dev-perplexity' },
    { learningRate: 1e-5, batchSize: 32, pick: 'dev-perplexity', steps: 7 },
  ]);
});

/** Appendix A.3: learning rate, batch, which weights go on. All of them train one epoch by cosine, warm-up 0.03, weight decay 0.05, 2,048 tokens. */
const context = { learningRate: 1e-5, batchSize: 16, pick: 'dev-perplexity' };
const instructed = { learningRate: 1e-5, batchSize: 32, pick: 'dev-perplexity' };

test.each([
  ['zero-shot', 'vicuna', []],
  ['if-cd', 'vicuna', [{ name: 'context', datasets: ['nq'], training: context }]],
  [
    'cd-if',
    'alpaca',
    [
      { name: 'context', datasets: ['nq'], training: context },
      { name: 'instruct', datasets: ['instruct'], training: instructed },
    ],
  ],
  ['mtl', 'vicuna', [{ name: 'mtl', training: instructed }]],
] as const)(
  'the preset %s has the prompts and the stages of its row, and ends with them evaluated',
  (preset, template, start) => {
    const { base } = least.model;
    const file = RunFile.parse({ ...least, preset, model: { base } });
    expect(file.model.template).toBe(template);
    expect(file.start).toEqual(start);
    expect(file.rounds.max).toBe(0);
    expect(file.sampling.maxTokens).toBe(480);
    expect(file.training).toMatchObject({
      epochs: 1,
      schedule: 'cosine',
      warmupRatio: 0.03,
      weightDecay: 0.05,
      saveEverySteps: 100,
      options: { maxLength: 2048, zero: 3, bf16: true },
    });
  },
);

test('the length of the paper goes to a back-end that is told one, under the options of the file', () => {
  const given = (training: object) =>
    RunFile.parse({ ...least, preset: 'reset', rounds, training }).training.options;
  expect(given({ backend: 'tinylm' })).toBeUndefined();
  expect(given({ backend: 'deepspeed', options: { lora: {} } })).toMatchObject({
    maxLength: 2048,
    lora: { rank: 16 },
  });
  expect(given({ backend: 'deepspeed', options: { maxLength: 512 } })?.maxLength).toBe(512);
});

test('what the file says stands over the preset', () => {
  const training = { backend: 'tinylm', learningRate: 3e-4, steps: 20 };
  const file = RunFile.parse({
    ...least,
    preset: 'reset',
    rounds,
    training,
    score: { faithfulness: 1 },
  });
  expect(file.training).toMatchObject(training);
  expect(file.training.epochs).toBeUndefined();
  expect(file.score).toEqual({ task: 1, instruction: 2, faithfulness: 1 });
});

test('a filled file is filled already', () => {
  for (const preset of presetNames) {
    const file = RunFile.parse({ ...least, preset, rounds, start: [{ name: 'mtl' }] });
    const own = RunFile.parse({ ...least, preset, rounds });
    expect(RunFile.parse(JSON.parse(JSON.stringify(own)))).toEqual(own);
    expect(RunFile.parse(JSON.parse(JSON.stringify(file)))).toEqual(file);
  }
});

test('an unknown preset is refused with the nearest known one, and a broken file is still named by its places', () => {
  const problems = (file: unknown): string => {
    const { error } = RunFile.safeParse(file);
    return error === undefined ? '' : problemsOf(error);
  };
  expect(problems({ ...least, rounds, preset: 'rest-s' })).toContain(
    'preset: unknown preset "rest-s", the nearest known one is "reset-s"',
  );
  expect(problems({ ...least, rounds, preset: 'reset', datasets: 'nq' })).toContain('datasets:');
  expect(problems({ ...least, rounds, preset: 'reset', sampling: 3 })).toContain('sampling:');
  expect(problems('reset')).toContain('expected object');
});
