/**
 * The runs of one seed: each is an ordinary run file, derived from the demo's, so what is tuned there holds here. Most of them begin
 * with a checkpoint that an earlier one has made (method §1, "Table 4 rows").
 */
import type { z } from 'zod';
import type { RunFile } from '../../../shared/contract/run-file.ts';
import { checkpointOf, type Journal, roundsOf, evaluatedCheckpoint } from './journal.ts';

export type RunFileInput = z.input<typeof RunFile>;

export const runNames = [
  'zero-shot',
  'mtl',
  'context',
  'cd',
  'cd-if',
  'reset-without-mtl',
  'reset-s',
  'random',
  'weights-0',
  'gold',
  'clean',
] as const;
export type RunName = (typeof runNames)[number];

/** Journals of a seed's finished runs. */
export type Finished = ReadonlyMap<RunName, Journal>;

export interface PlannedRun {
  name: RunName;
  /** What it is, for people. */
  title: string;
  /** In the world without habits. */
  clean: boolean;
  /** How long it takes beside the others, as measured once; the time that is left is told by it. */
  cost: number;
  /** Its run file but for name and seed. Paths are relative to a folder that holds the seed's world. */
  file: (finished: Finished) => RunFileInput;
}

/**
 * @param demo the demo's run file: its first stage makes the base model, its last one is MTL
 * @param checkpoints the folder of published checkpoints
 */
export function planOf(demo: RunFileInput, checkpoints: string): PlannedRun[] {
  const { pretrain, instruct, context, mtl } = stagesOf(demo);
  const startOf = (finished: Finished, run: RunName) => startIn(checkpoints, finished, run);
  const baseOf = (finished: Finished) =>
    `${checkpoints}/${checkpointOf(journalOf(finished, 'zero-shot'), 'start-0')}`;
  const instructed = (finished: Finished) => ({
    name: 'instruct',
    checkpoint: startOf(finished, 'zero-shot'),
  });
  const mixed = (finished: Finished) => mixedOf(finished, checkpoints);
  const startOnly = { ...demo.rounds, max: 0 };
  const oneRound = { ...demo.rounds, max: 1 };
  const control = (finished: Finished) => controlOf(demo, finished, checkpoints);
  return [
    {
      name: 'zero-shot',
      title: 'base model, then instruction tuning',
      clean: false,
      cost: 16,
      file: () => ({ ...demo, start: [pretrain, instruct], rounds: startOnly }),
    },
    {
      name: 'mtl',
      title: 'multi-task learning, then RESET',
      clean: false,
      cost: 24,
      file: (finished) => ({ ...demo, start: [instructed(finished), mtl] }),
    },
    {
      name: 'context',
      title: 'context datasets only, after instruction tuning (IF→CD)',
      clean: false,
      cost: 11,
      file: (finished) => ({
        ...demo,
        start: [instructed(finished), context],
        rounds: startOnly,
      }),
    },
    {
      name: 'cd',
      title: 'context datasets only, from the base model',
      clean: false,
      cost: 10,
      file: (finished) => ({
        ...demo,
        model: { ...demo.model, base: baseOf(finished) },
        start: [context],
        rounds: startOnly,
      }),
    },
    {
      name: 'cd-if',
      title: 'instruction tuning after the context datasets (CD→IF)',
      clean: false,
      cost: 4,
      file: (finished) => ({
        ...demo,
        start: [{ name: 'context', checkpoint: startOf(finished, 'cd') }, instruct],
        rounds: startOnly,
      }),
    },
    {
      name: 'reset-without-mtl',
      title: 'the instruction-tuned model, trained on what MTL sampled',
      clean: false,
      cost: 6,
      file: (finished) => ({
        ...demo,
        start: [instructed(finished), mixed(finished)],
        rounds: { ...oneRound, trainFrom: 'instruct' },
      }),
    },
    {
      name: 'reset-s',
      title: 'RESET-S: both passes, the best quarter of each dataset',
      clean: false,
      cost: 6,
      file: (finished) => ({
        ...demo,
        start: [mixed(finished)],
        sampling: { ...demo.sampling, passes: 2 },
        select: { ...demo.select, keep: { perDataset: quarterOf(demo) } },
        rounds: oneRound,
      }),
    },
    {
      name: 'random',
      title: 'control: a random candidate is kept',
      clean: false,
      cost: 15,
      file: (finished) => ({
        ...control(finished),
        select: { ...demo.select, policy: 'random' },
      }),
    },
    {
      name: 'weights-0',
      title: 'control: weights 0, so that the task score alone selects',
      clean: false,
      cost: 15,
      file: (finished) => ({
        ...control(finished),
        score: { ...demo.score, instruction: 0, faithfulness: 0 },
      }),
    },
    {
      name: 'gold',
      title: 'control: gold references instead of samples',
      clean: false,
      cost: 15,
      file: (finished) => ({
        ...control(finished),
        select: { ...demo.select, policy: 'reference' },
      }),
    },
    {
      name: 'clean',
      title: 'control: the same chain in a world without habits',
      clean: true,
      cost: 19,
      // Habits are in what models are tuned on, so the base model of both worlds is one.
      file: (finished) => ({
        ...demo,
        model: { ...demo.model, base: baseOf(finished) },
        start: [instruct, mtl],
      }),
    },
  ];
}

/** RESET and what it is held against, for engines that take long over a round. */
export function shortPlanOf(demo: RunFileInput, checkpoints: string): PlannedRun[] {
  return [
    {
      name: 'mtl',
      title: 'pre-training, multi-task learning, then RESET',
      clean: false,
      cost: 2,
      file: () => demo,
    },
    {
      name: 'random',
      title: 'control: a random candidate is kept',
      clean: false,
      cost: 1,
      file: (finished) => ({
        ...controlOf(demo, finished, checkpoints),
        select: { ...demo.select, policy: 'random' },
      }),
    },
  ];
}

/** A run from the checkpoint that RESET started from. */
function controlOf(demo: RunFileInput, finished: Finished, checkpoints: string): RunFileInput {
  return {
    ...demo,
    start: [mixedOf(finished, checkpoints)],
    rounds: controlRounds(demo, roundsOf(journalOf(finished, 'mtl'))),
  };
}

function mixedOf(finished: Finished, checkpoints: string) {
  return { name: 'mtl', checkpoint: startIn(checkpoints, finished, 'mtl') };
}

function startIn(checkpoints: string, finished: Finished, run: RunName): string {
  return `${checkpoints}/${evaluatedCheckpoint(journalOf(finished, run), 0)}`;
}

/**
 * As many rounds as RESET took, each from the one before, whatever it scored: a control seldom passes a gate, and behind one it would
 * take every round from the same checkpoint.
 */
function controlRounds(demo: RunFileInput, max: number): RunFileInput['rounds'] {
  const gate = { ...demo.rounds.gate, gain: -1, loss: 1 };
  const guardrails = {
    length: null,
    distinct2: null,
    duplicates: null,
    copied: null,
    refusals: null,
    kl: null,
  };
  return { ...demo.rounds, max, patience: max, gate, guardrails };
}

/** The stages that lead to the paper's start checkpoints, each at the pace of the demo's own. */
function stagesOf({ start = [], datasets }: RunFileInput) {
  const [pretrain, mtl] = [start[0], start.at(-1)];
  if (pretrain === undefined || mtl === undefined || start.length < 2)
    throw new Error('the demo’s run file must make a base model and then MTL');
  const trained = datasets.filter(({ train }) => train !== undefined);
  const namesOf = (isInstruction: boolean) =>
    trained
      .filter(({ kind }) => (kind === 'instruction') === isInstruction)
      .map(({ name }) => name);
  const own = start.find(({ name }) => name === 'instruct') ?? mtl;
  return {
    pretrain,
    mtl,
    instruct: { ...own, name: 'instruct', datasets: namesOf(true) },
    context: { ...mtl, name: 'context', datasets: namesOf(false) },
  };
}

/** RESET-S keeps 500 rows of a dataset where RESET keeps 2,000. */
function quarterOf({ datasets }: RunFileInput): number {
  const counts = datasets.flatMap(({ perRound }) => perRound ?? []);
  return Math.max(1, Math.round(Math.min(...counts) / 4));
}

function journalOf(finished: Finished, run: RunName): Journal {
  const journal = finished.get(run);
  if (journal === undefined) throw new Error(`the run ${run} comes too late in the plan`);
  return journal;
}
