import { z } from 'zod';
import { DatasetKind } from './example.ts';
import { ChatTemplate } from './chat-template.ts';
import { Id } from './ids.ts';
import { comparesCheckpoints, judgeOptions } from './judge-options.ts';
import { fillPreset, presetNames } from './presets.ts';
import { closedObject, unknownName } from './problems.ts';
import { checkStart } from './start-stages.ts';
import { TrainingOptions } from './training-options.ts';
import { Truncation } from './truncation.ts';

const Files = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .transform((files) => (Array.isArray(files) ? files : [files]));

const rates = {
  learningRate: z.number().positive(),
  batchSize: z.int().positive(),
  epochs: z.number().positive(),
  steps: z.int().positive(),
  schedule: z.enum(['cosine', 'linear', 'constant-linear']),
  warmupRatio: z.number().min(0).max(1),
  weightDecay: z.number().min(0),
  saveEverySteps: z.int().positive(),
  /** Which of the saved weights become the checkpoint: the last, or those with the lowest perplexity on the references of dev. */
  pick: z.enum(['last', 'dev-perplexity']),
  /** Of the back-end `deepspeed`; those of a stage stand in place of the run's. */
  options: TrainingOptions,
};

/** How one training step is done. Defaults are the paper's; the back-end names a trainer profile. One of `epochs` and `steps`, 1 epoch without. */
export const TrainingSettings = closedObject({
  ...rates,
  backend: Id,
  epochs: rates.epochs.optional(),
  steps: rates.steps.optional(),
  schedule: rates.schedule.default('cosine'),
  warmupRatio: rates.warmupRatio.default(0.03),
  weightDecay: rates.weightDecay.default(0.05),
  saveEverySteps: rates.saveEverySteps.default(100),
  pick: rates.pick.default('last'),
  options: rates.options.optional(),
}).refine(
  ({ epochs, steps }) => epochs === undefined || steps === undefined,
  'give epochs or steps, not both',
);
export type TrainingSettings = z.infer<typeof TrainingSettings>;

/**
 * A step of making the starting checkpoint: training on ready rows (`rows`), or on the references of these `datasets`, each up-sampled to
 * the largest of them (all training datasets, where neither is given); or a published `checkpoint` taken as it is, under its own digest.
 */
export const StartStage = closedObject({
  name: Id,
  rows: Files.optional(),
  datasets: z.array(Id).min(1).optional(),
  /** A published checkpoint's folder, which its digest names; readable by the trainer. */
  checkpoint: z.string().min(1).optional(),
  /** What differs from the run's own `training`. */
  training: closedObject(rates).partial().default({}),
});
export type StartStage = z.infer<typeof StartStage>;

/** One dataset. Without `train` it is unseen: shown, never decided on. Without `dev` a seeded 5 % of `train` is held out. */
export const Dataset = closedObject({
  name: Id,
  kind: DatasetKind,
  train: Files.optional(),
  dev: Files.optional(),
  test: Files.optional(),
  perRound: z.int().positive().optional(),
  /** Its scores are listed and enter no mean: for a set that asks for something else than the others, such as new wordings. */
  shown: z.literal(true).optional(),
}).refine(({ train, shown }) => train === undefined || shown === undefined, {
  path: ['shown'],
  message:
    'a dataset with a train part is decided on, so it cannot be only shown; drop one of them',
});
export type Dataset = z.infer<typeof Dataset>;

export const Axis = z.enum(['instruction', 'faithfulness', 'task']);
export type Axis = z.infer<typeof Axis>;

/**
 * A named judge: one queue. What its `type` needs stands beside these keys and is checked by the type. A judge that is `heldOut` sees the
 * answers of evaluations only: it selects nothing and enters no score, so that it can tell whether a gain is one to its like only.
 */
export const JudgeSpec = z
  .looseObject({ name: Id, axis: Axis, type: Id, heldOut: z.boolean().optional() })
  .superRefine((spec, context) => {
    const { name: _name, axis, type, heldOut, ...given } = spec;
    if (heldOut === true && axis !== 'faithfulness')
      context.addIssue({
        code: 'custom',
        path: ['heldOut'],
        message: `only a judge of faithfulness can be held out, this one measures ${axis}: its gain is compared with that of faithfulness`,
      });
    if (heldOut === true && comparesCheckpoints(spec))
      context.addIssue({
        code: 'custom',
        path: ['heldOut'],
        message:
          'a win rate against a checkpoint is shown and never compared with a gain; drop heldOut, or write `against: reference`',
      });
    const schema = Object.entries(judgeOptions).find(([known]) => known === type)?.[1];
    const checked = schema?.safeParse(given);
    if (checked?.success === false)
      for (const { path, message } of checked.error.issues)
        context.addIssue({ code: 'custom', path: [...path], message });
  });
export type JudgeSpec = z.infer<typeof JudgeSpec>;

/** Decoding grid (method §1): `both` draws temperature or top-k for each example; pass 2 is the family that was not drawn. */
export const Sampling = closedObject({
  server: Id,
  draw: z.enum(['both', 'temperature', 'topK']).default('both'),
  passes: z.int().min(1).max(2).default(1),
  temperatures: z
    .array(z.number().positive().max(2))
    .min(1)
    .default([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]),
  topK: z.array(z.int().positive()).min(1).default([5, 10, 20, 50, 70, 90, 100]),
  topKTemperature: z.number().min(0).max(2).default(1),
  maxTokens: z.int().positive().default(480),
  /** From the second round on, the requests of a family go to its cells by their win rates, `floor` of them at least to each. */
  reallocate: closedObject({ floor: z.number().min(0).default(0.05) }).optional(),
}).refine(
  ({ reallocate, temperatures, topK }) =>
    (reallocate?.floor ?? 0) * Math.max(temperatures.length, topK.length) <= 1,
  {
    path: ['reallocate', 'floor'],
    message: 'a floor for each cell of a family must leave 1 in all',
  },
);
export type Sampling = z.infer<typeof Sampling>;

/** Which candidate of an example is kept. `random` and `reference` are controls of the same counts: a random candidate, a gold reference. */
export const Select = closedObject({
  policy: z.enum(['best', 'random', 'reference']).default('best'),
  ties: z.enum(['first', 'majority', 'random']).default('first'),
  minScore: z.number().optional(),
  minMargin: z.number().optional(),
  /** Keep the rows of the highest scores alone, so many of each dataset or of all together. */
  keep: closedObject({ perDataset: z.int().positive(), best: z.int().positive() })
    .partial()
    .refine(
      ({ perDataset, best }) => (perDataset === undefined) !== (best === undefined),
      'give perDataset or best',
    )
    .optional(),
});
export type Select = z.infer<typeof Select>;

const share = z.number().min(0).max(1).nullable();

/** How far a round's answers may be from those of the start, on dev; null is no limit. What each measures: `coordinator/decision/guardrails.ts`. */
export const GuardrailLimits = closedObject({
  /** Least and most of mean length / the start's, each kind of dataset by itself. */
  length: z
    .tuple([z.number().min(0), z.number().positive()])
    .refine(([least, most]) => least < most, 'give the least first, then the most')
    .nullable()
    .default([0.5, 2]),
  /** Least of distinct pairs of words / the start's. */
  distinct2: z.number().min(0).nullable().default(0.7),
  /** Most that these shares may rise above the start's. */
  duplicates: share.default(0.1),
  copied: share.default(0.1),
  refusals: share.default(0.02),
  /** Most of the mean divergence of the next-token distributions from the start's, in nats a token of the dev references. */
  kl: z.number().positive().nullable().default(1),
  /** Least gain in faithfulness by a held-out judge / the gain by the judges that select. */
  heldOut: z.number().nullable().default(0.5),
  /** What follows where one trips: the round is not promoted, or the run ends. */
  action: z.enum(['roll-back', 'stop']).default('roll-back'),
});
export type GuardrailLimits = z.infer<typeof GuardrailLimits>;

const Filled = closedObject({
  run: Id,
  /** What the settings that the file does not give are (`presets.ts`). */
  preset: z
    .enum(presetNames, { error: ({ input }) => unknownName('preset', String(input), presetNames) })
    .optional(),
  seed: z.int().nonnegative(),
  model: closedObject({
    /** `scratch`, or a HF-style checkpoint folder that trainer and model server can read; a published one keeps its digest. */
    base: z.string().min(1),
    /** What prompts are written by; where it is not given, `chat` if the model has a chat template. */
    template: z.enum(['plain', 'alpaca', 'vicuna', 'chat'], {
      error:
        'write plain, alpaca or vicuna; chat, which is meant without it, needs a model with a chat template',
    }),
    /** A folder with the tokenizer of `base`, readable where the run is submitted: for a `base` that is on other machines alone. */
    tokenizer: z.string().min(1).optional(),
    /** Of template `chat`: read from the tokenizer when the run is submitted. */
    chat: ChatTemplate.optional(),
    /** Architecture of a model from scratch, passed to the training program. */
    config: z.record(z.string(), z.number()).optional(),
    /** Tokens that the model servers take for a prompt and its answer, where those are not the positions of the model's `config.json`. */
    window: z.int().positive().optional(),
  }).refine(({ template, chat }) => (template === 'chat') === (chat !== undefined), {
    path: ['template'],
    message: 'template chat needs a model with a chat template; write plain, alpaca or vicuna',
  }),
  /** What becomes of contexts that are too long for the model. */
  truncation: Truncation.default('passages'),
  start: z.array(StartStage).default([]),
  sampling: Sampling,
  datasets: z.array(Dataset).min(1),
  judges: z.array(JudgeSpec).min(1),
  score: closedObject({
    task: z.number().default(1),
    instruction: z.number().default(2),
    faithfulness: z.number().default(2),
  }).prefault({}),
  select: Select.prefault({}),
  training: TrainingSettings,
  /**
   * What stays on the trainer's disk: `all`, which it is without this, or after each decision what is `needed`: the start, the incumbent, the best
   * round so far, and what these two were trained from.
   */
  checkpoints: closedObject({ keep: z.enum(['all', 'needed']) }).optional(),
  /** What a run may use before it pauses; each resume grants as much again. */
  budget: closedObject({
    /** Of trainings; looked at before each. */
    gpuHours: z.number().positive(),
    /**
     * Of the calls of judges that ask a model. The most that a call may cost is set aside before it is made, by all peers together, and the run
     * pauses, within a step too, when that is not there any more.
     */
    usd: z.number().positive(),
    /** The same for each round by itself: its candidates and its evaluation. */
    usdPerRound: z.number().positive(),
  })
    .partial()
    .refine(
      (budget) => Object.values(budget).some((most) => most !== undefined),
      'give gpuHours, usd or usdPerRound',
    )
    .optional(),
  rounds: closedObject({
    /** 0 makes the start, evaluates it and ends. */
    max: z.int().nonnegative(),
    patience: z.int().positive().default(2),
    /** What a round's training starts from: `previous`, the incumbent; `start`, the starting checkpoint; or that of the named start stage. Sampled is always the incumbent. */
    trainFrom: z.string().default('previous'),
    /** `pooled` trains on the rows of all rounds so far, equal ones once. */
    data: z.enum(['round', 'pooled']).default('round'),
    /** Share of planned candidates that must end with a full score; below it the run pauses. */
    coverage: z.number().min(0).max(1).default(0.98),
    /**
     * Answers of known low worth are put to each judge with an engine behind it, on so many examples of a round; one that scores above
     * `atMost` pauses the run. Half of the scale: a rating of 5 of 10, a tie in a pair, more contradicted than supported, are all at most that.
     */
    canaries: closedObject({
      examples: z.int().positive().default(2),
      atMost: z.number().min(0).max(1).default(0.5),
    })
      .nullable()
      .prefault({}),
    /** Share of a round's examples on which such a judge is asked twice about one text. */
    repeats: z.number().min(0).max(1).default(0.05),
    /** On so many dev examples such a judge is asked about the start's answers again in each evaluation, to see whether it drifts; 0 is off. */
    anchors: z.int().nonnegative().default(50),
    gate: closedObject({
      bootstrap: z.int().min(100).default(1000),
      /** Faithfulness must surely have risen by more than this; −1 lets every round pass, for a control that goes on whatever it scores. */
      gain: z.number().min(-1).default(0),
      loss: z.number().min(0).default(0.03),
    }).prefault({}),
    guardrails: GuardrailLimits.prefault({}),
  }),
}).superRefine(checkStart);

/** A run file (design §10) with its preset and every default filled in. */
export const RunFile = z.preprocess((file: z.input<typeof Filled>) => fillPreset(file), Filled);
export type RunFile = z.infer<typeof RunFile>;
