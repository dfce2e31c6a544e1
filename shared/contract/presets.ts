/**
 * Presets of a run file: the settings of the RESET paper (arXiv 2407.21417), which stand wherever the file says nothing. Section 2.3 has RESET,
 * 2.4 the two pipelines, Table 4 the rows that are compared, Appendix A.3 the training; where the file trains with the back-end `deepspeed`,
 * A.3's 2,048 tokens too.
 *
 * | preset      | row of Table 4   | what it makes                                                                  | prompts           |
 * | ----------- | ---------------- | ------------------------------------------------------------------------------ | ----------------- |
 * | `zero-shot` | Vicuna-7B        | no training: the base is evaluated                                             | Table 6           |
 * | `if-cd`     | w/o MTL          | 2.4, second pipeline: the base, instruction-tuned already, then context        | Table 6           |
 * | `cd-if`     | none: Figure 3   | 2.4, first pipeline: context, then instructions, from the best weights of each | Table 2, LLaMA-7B |
 * | `mtl`       | w/ MTL           | all datasets mixed, each up-sampled to the largest                             | Table 6           |
 * | `reset`     | w/ MTL+RESET     | rounds from the start that the file names                                      | as the file says  |
 * | `reset-s`   | w/ MTL+RESET-S   | the same with both passes of the grid, 14 candidates, and 500 rows a dataset   | as the file says  |
 * | `paper`     | w/ MTL+RESET     | RESET as printed: top-k at temperature 0, every training picked by dev, once   | Table 6           |
 *
 * `reset` and `reset-s` differ from the paper on purpose: top-k is varied at temperature 1, for at the paper's 0 it is greedy; and the continued
 * step ends with its last weights, for the loss on gold references rises as RESET unlearns what their annotators do. The weaker instruction
 * judge of RESET-S is the file's to name. The row w/ RESET needs two checkpoints that the file names: `start` and `rounds.trainFrom`.
 */
export const presetNames = [
  'zero-shot',
  'if-cd',
  'cd-if',
  'mtl',
  'reset',
  'reset-s',
  'paper',
] as const;
export type PresetName = (typeof presetNames)[number];

type Given = Readonly<Record<string, unknown>>;

const reset = {
  sampling: {
    // 2.3, Sample Generations: one of the two families for each example, all seven values of it, the other off.
    draw: 'both',
    passes: 1,
    temperatures: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7],
    topK: [5, 10, 20, 50, 70, 90, 100],
    topKTemperature: 1,
    // A.3: at most 480 new tokens.
    maxTokens: 480,
  },
  // 2.3: s_task + 2.0 * (I_instr * s_instr + I_faith * s_faith); the best one is kept.
  score: { task: 1, instruction: 2, faithfulness: 2 },
  select: { policy: 'best' },
  // A.3, the continued step's own learning rate, all else as in the other trainings.
  training: {
    learningRate: 8e-6,
    batchSize: 32,
    epochs: 1,
    schedule: 'cosine',
    warmupRatio: 0.03,
    weightDecay: 0.05,
    saveEverySteps: 100,
    pick: 'last',
  },
};

/** 2.4 and the first rows of Table 4 end with their start evaluated. */
const startAlone = { ...reset, model: { template: 'vicuna' }, rounds: { max: 0 } };

const settings: Readonly<Record<PresetName, Readonly<Record<string, Given>>>> = {
  'zero-shot': startAlone,
  'if-cd': startAlone,
  'cd-if': { ...startAlone, model: { template: 'alpaca' } },
  mtl: startAlone,
  reset,
  'reset-s': {
    ...reset,
    sampling: { ...reset.sampling, passes: 2 },
    select: { ...reset.select, keep: { perDataset: 500 } },
  },
  paper: {
    ...reset,
    model: { template: 'vicuna' },
    sampling: { ...reset.sampling, topKTemperature: 0 },
    training: { ...reset.training, pick: 'dev-perplexity' },
    rounds: { max: 1 },
  },
};

/** 2.3, Continued Fine-tuning: 2,000 examples of each dataset. */
const PER_ROUND = 2000;

/** A.3: the multi-task start, picked by perplexity on dev, and its smaller batches where no instruction dataset takes part. */
const stage = { learningRate: 1e-5, batchSize: 32, pick: 'dev-perplexity' };
const CONTEXT_BATCH = 16;

/** A.3: the longest sequence, where the back-end is told one. */
const MAX_LENGTH = 2048;

/** 2.4: the stages of the pipelines, by the datasets that they train on; `mtl` names none and so mixes all. */
const stagesOf: Partial<Record<PresetName, (datasets: readonly Given[]) => readonly Given[]>> = {
  'if-cd': (datasets) => [contextStage(datasets)],
  'cd-if': (datasets) => [
    contextStage(datasets),
    { name: 'instruct', datasets: namesOf(datasets, true) },
  ],
  mtl: () => [{ name: 'mtl' }],
};

function contextStage(datasets: readonly Given[]): Given {
  return { name: 'context', datasets: namesOf(datasets, false) };
}

function namesOf(datasets: readonly Given[], instructs: boolean): unknown[] {
  return datasets
    .filter(({ train, kind }) => train !== undefined && (kind === 'instruction') === instructs)
    .map(({ name }) => name);
}

/**
 * Fills the preset that a run file names in under what it says, before the file is checked: what is no object stays as it is, for the check
 * to refuse. Filling a filled file changes nothing.
 */
export function fillPreset(file: unknown): unknown {
  if (!isObject(file)) return file;
  const preset = presetNames.find((name) => name === file['preset']);
  if (preset === undefined) return file;
  const filled: Record<string, unknown> = { ...file };
  for (const [key, defaults] of Object.entries(settings[preset]))
    filled[key] = under(file[key], key === 'training' ? paced(defaults, file[key]) : defaults);
  filled['training'] = withLength(filled['training']);
  const datasets = listOf(file['datasets']);
  if (datasets === undefined) return filled;
  filled['datasets'] = datasets.map((dataset) =>
    isObject(dataset) && dataset['train'] !== undefined
      ? under(dataset, { perRound: PER_ROUND })
      : dataset,
  );
  const stages = listOf(file['start'] ?? stagesOf[preset]?.(datasets.filter(isObject)));
  if (stages !== undefined)
    filled['start'] = stages.map((one) => fillStage(one, datasets.filter(isObject)));
  return filled;
}

/** Stages on references are trainings of the paper; ready rows and given checkpoints are not. */
function fillStage(given: unknown, datasets: readonly Given[]): unknown {
  if (!isObject(given) || given['rows'] !== undefined || given['checkpoint'] !== undefined)
    return given;
  const names = listOf(given['datasets']);
  const mixed = datasets.filter(
    ({ name, train }) => train !== undefined && (names?.includes(name) ?? true),
  );
  const instructs = mixed.some(({ kind }) => kind === 'instruction');
  const defaults = instructs ? stage : { ...stage, batchSize: CONTEXT_BATCH };
  return { ...given, training: under(given['training'], defaults) };
}

/** Steps in the file take the place of the preset's epochs. */
function paced(defaults: Given, given: unknown): Given {
  if (!isObject(given) || given['steps'] === undefined) return defaults;
  const { epochs: _, ...rest } = defaults;
  return rest;
}

/** Options are of the back-end `deepspeed`; others refuse them. */
function withLength(training: unknown): unknown {
  if (!isObject(training) || training['backend'] !== 'deepspeed') return training;
  return { ...training, options: under(training['options'], { maxLength: MAX_LENGTH }) };
}

/** What is given as `undefined` counts as not given. */
function under(given: unknown, defaults: Given): unknown {
  if (given === undefined) return defaults;
  if (!isObject(given)) return given;
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(said) };
}

function isObject(value: unknown): value is Given {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}
