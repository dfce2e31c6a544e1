import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { bestRound as shippedRound } from '../../coordinator/decision/best.ts';
import { readArguments } from '../../deploy/demo/reproduce/arguments.ts';
import { engines } from '../../deploy/demo/reproduce/engines.ts';
import { bestRound, roundsOf } from '../../deploy/demo/reproduce/journal.ts';
import { planOf, type RunFileInput, type RunName } from '../../deploy/demo/reproduce/plan.ts';
import { rows } from '../../deploy/demo/reproduce/rows.ts';
import { defaultHabits } from '../../deploy/demo/world/habits.ts';
import { createWorld } from '../../deploy/demo/world/world.ts';
import type { Fact, Guardrail } from '../../shared/contract/facts.ts';
import { RunFile } from '../../shared/contract/run-file.ts';
import { checkpoints, scores, wholeJournal } from '../support/journal.ts';

const demos = ['reset', 'drill'].map((name): [string, RunFileInput] => [
  name,
  parse(readFileSync(`deploy/demo/${name}.yaml`, 'utf8')) as RunFileInput,
]);

/** The run files of a seed, each with the journals of those before it. */
function filesOf(demo: RunFileInput): Record<RunName, RunFile> {
  const finished = new Map<RunName, readonly Fact[]>();
  const files = new Map<RunName, RunFile>();
  for (const { name, file } of planOf(demo, '/state/checkpoints')) {
    files.set(name, RunFile.parse(file(finished)));
    finished.set(name, wholeJournal);
  }
  return Object.fromEntries(files) as Record<RunName, RunFile>;
}

describe.each(demos)('the plan derived from %s.yaml', (_, demo) => {
  const plain = RunFile.parse(demo);
  const files = filesOf(demo);

  test('has every run that a row reads, in an order in which each finds what it begins with', () => {
    expect([...new Set(rows.map(({ run }) => run))].sort()).toEqual(Object.keys(files).sort());
  });

  test('leaves datasets, judges and training as they are tuned', () => {
    for (const file of Object.values(files)) {
      expect(file.datasets).toEqual(plain.datasets);
      expect(file.judges).toEqual(plain.judges);
      expect(file.training).toEqual(plain.training);
    }
  });

  test('trains instructions, contexts and the mix on their own datasets', () => {
    const trained = ({ start }: RunFile) => start.at(-1)?.datasets;
    const names = (instruction: boolean) =>
      plain.datasets
        .filter(
          ({ train, kind }) => train !== undefined && (kind === 'instruction') === instruction,
        )
        .map(({ name }) => name);
    expect(trained(files['zero-shot'])).toEqual(names(true));
    expect(trained(files['cd-if'])).toEqual(names(true));
    expect(trained(files.context)).toEqual(names(false));
    expect(trained(files.cd)).toEqual(names(false));
    expect(trained(files.mtl)).toEqual(plain.start.at(-1)?.datasets);
    expect(files.clean.start.map(({ name }) => name)).toEqual(['instruct', 'mtl']);
  });

  test('begins with checkpoints that earlier runs have published', () => {
    const taken = (file: RunFile) =>
      file.start.flatMap(({ checkpoint }) => (checkpoint === undefined ? [] : [checkpoint]));
    for (const { model } of [files.cd, files.clean]) {
      expect(dirname(model.base)).toBe('/state/checkpoints');
      expect(basename(model.base)).toBe(checkpoints[0]);
    }
    for (const name of [
      'mtl',
      'context',
      'cd-if',
      'reset-s',
      'random',
      'weights-0',
      'gold',
    ] as const)
      expect(taken(files[name]).map((path) => basename(path))).toEqual([checkpoints[1]]);
    expect(files['reset-without-mtl'].start.map(({ name }) => name)).toEqual(['instruct', 'mtl']);
    expect(files['reset-without-mtl'].rounds).toMatchObject({ max: 1, trainFrom: 'instruct' });
  });

  test('gives controls as many rounds as RESET took, and neither gate nor guardrail', () => {
    for (const name of ['random', 'weights-0', 'gold'] as const) {
      expect(files[name].rounds).toMatchObject({
        max: roundsOf(wholeJournal),
        patience: roundsOf(wholeJournal),
        gate: { gain: -1, loss: 1 },
        guardrails: { length: null, duplicates: null },
      });
    }
    expect(files.random.select.policy).toBe('random');
    expect(files.gold.select.policy).toBe('reference');
    expect(files['weights-0'].score).toMatchObject({ instruction: 0, faithfulness: 0 });
  });

  test('keeps a quarter of both passes for RESET-S', () => {
    const perRound = Math.min(...plain.datasets.flatMap((dataset) => dataset.perRound ?? []));
    expect(files['reset-s'].sampling.passes).toBe(2);
    expect(files['reset-s'].select.keep).toEqual({ perDataset: perRound / 4 });
  });
});

describe.each(['full', 'small'] as const)('the plan of DeepSpeed at size %s', (size) => {
  const { file } = readArguments(['--engine', 'deepspeed', '--size', size]).demo;
  const demo = parse(readFileSync(`deploy/demo/${file}`, 'utf8')) as RunFileInput;
  const settled = engines.deepspeed.settle(demo, size);
  const [reset, control] = engines.deepspeed
    .plan(settled, '/state/checkpoints')
    .map(({ file }) => RunFile.parse(file(new Map([['mtl', wholeJournal]]))));

  test('trains an exported Llama from its first stage on and samples vLLM, on data and judges of the demo', () => {
    expect(reset).toMatchObject({
      model: { base: 'base' },
      sampling: { server: 'vllm', temperatures: RunFile.parse(demo).sampling.temperatures },
      training: { backend: 'deepspeed' },
    });
    expect(reset?.start[0]).toMatchObject({ name: 'pretrain', rows: ['world/pretrain.jsonl'] });
    expect(reset?.datasets).toEqual(RunFile.parse(demo).datasets);
    expect(reset?.judges).toEqual(RunFile.parse(demo).judges);
  });

  test('holds it against a control from the same start, of as many rounds', () => {
    expect(control?.select.policy).toBe('random');
    expect(control?.start.map(({ checkpoint }) => checkpoint)).toEqual([
      `/state/checkpoints/${checkpoints[1]}`,
    ]);
    expect(control?.rounds.max).toBe(roundsOf(wholeJournal));
    expect(control?.training).toEqual(reset?.training);
  });
});

test('both worlds of a seed have the same pre-training, so they can share a base model', () => {
  const world = (factor: number) =>
    createWorld({ seed: 7, size: 'drill', habits: { ...defaultHabits, factor }, vocabulary: 0 });
  const [one, clean] = [world(1), world(0)];
  expect(clean.pretrain).toEqual(one.pretrain);
  expect(clean.span.train).not.toEqual(one.span.train);
});

describe('the round that dev chooses', () => {
  const loss = 0.03;

  test('is the one that a run ships', () => {
    expect(bestRound(wholeJournal, loss)).toBe(shippedRound(wholeJournal)?.round);
  });

  test('is no round that lost instructions or tripped a guardrail, however faithful, and never chosen on test', () => {
    const lost = wholeJournal.map((fact) =>
      fact.fact === 'evaluation.finished' && fact.step === 'r3'
        ? { ...fact, dev: scores(0.99, 0.7), test: scores(1, 1, 1) }
        : fact,
    );
    expect([bestRound(lost, loss), bestRound(lost, 1)]).toEqual([2, 3]);
    const tripped = { name: 'copied', of: null, value: 1, least: null, most: 0.1, tripped: true };
    const warned = lost.map((fact) =>
      fact.fact === 'decision.made' && fact.round > 1
        ? { ...fact, guardrails: [tripped as Guardrail] }
        : fact,
    );
    expect(bestRound(warned, 1)).toBe(1);
  });
});
