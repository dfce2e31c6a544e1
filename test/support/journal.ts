import type { AnswerStatistics, Estimate, Fact, Scores } from '../../shared/contract/facts.ts';
import { digestOf } from '../../shared/contract/ids.ts';
import { RunFile } from '../../shared/contract/run-file.ts';

/** A run file of two stages and three rounds, as the tests of decisions need it. */
export const runFile: RunFile = RunFile.parse({
  run: 'tested',
  seed: 1,
  model: { base: 'scratch', template: 'plain' },
  start: [
    { name: 'pretrain', rows: 'pretrain.jsonl', training: { steps: 10 } },
    { name: 'mtl', training: { steps: 20, learningRate: 2e-3 } },
  ],
  sampling: { server: 'local' },
  datasets: [{ name: 'span', kind: 'extractive_qa', train: 'span.jsonl', perRound: 4 }],
  judges: [
    { name: 'span', axis: 'faithfulness', type: 'span-coverage' },
    { name: 'em', axis: 'task', type: 'exact-match' },
  ],
  training: { backend: 'tinylm', learningRate: 1e-3, batchSize: 4 },
  rounds: { max: 3, patience: 2 },
});

export const checkpoints = ['pretrain', 'mtl', 'r1', 'r2', 'r3'].map((name) => digestOf(name));

function estimate(mean: number): Estimate {
  return { n: 100, mean, lower: mean - 0.01, upper: mean + 0.01 };
}

/** Scores with this faithfulness; instruction and task as given. */
export function scores(faithfulness: number, instruction = 0.8, task = 0.6): Scores {
  return {
    faithfulness: { seen: estimate(faithfulness), unseen: null },
    instruction: estimate(instruction),
    task: estimate(task),
    datasets: {},
  };
}

const candidates = { planned: 28, scored: 28, certain: 0, unscored: {} };

function sealed(step: string): Fact {
  return {
    fact: 'dataset.sealed',
    step,
    dataset: digestOf(['dataset', step]),
    rows: 4,
    byDataset: {},
    candidates,
    judges: {},
    ties: 0,
    duplicates: 0,
    cells: {},
  };
}

/** As a sound checkpoint's; `changes` replace figures. */
export function answers(changes: Partial<AnswerStatistics> = {}): AnswerStatistics {
  return {
    rows: { extractive_qa: 1000, instruction: 1000 },
    length: { extractive_qa: 2, instruction: 8 },
    distinct1: 0.3,
    distinct2: 0.6,
    duplicates: 0.4,
    copied: null,
    refusals: 0.01,
    ...changes,
  };
}

function published(step: string, index: number): Fact {
  return {
    fact: 'checkpoint.published',
    step,
    checkpoint: checkpoints[index] ?? '',
    parent: checkpoints[index - 1] ?? null,
    dataset: digestOf(['dataset', step]),
  };
}

function evaluated(step: string, index: number, dev: Scores, test = dev): Fact {
  return {
    fact: 'evaluation.finished',
    step,
    checkpoint: checkpoints[index] ?? '',
    evaluation: digestOf(['evaluation', step]),
    dev,
    test,
    answers: answers(),
    judges: {},
  };
}

function decided(round: number, decision: 'promote' | 'keep', withoutPromotion: number): Fact {
  return {
    fact: 'decision.made',
    step: `r${round}`,
    round,
    decision,
    reason: 'planted',
    differences: { faithfulness: null, instruction: null, task: null },
    guardrails: [],
    withoutPromotion,
  };
}

/** A whole run: round 1 promoted, rounds 2 and 3 not, converged; round 2 is the best by a little. */
export const wholeJournal: readonly Fact[] = [
  { fact: 'run.opened', run: 'tested', file: runFile, digest: digestOf(runFile) },
  sealed('start-0'),
  published('start-0', 0),
  sealed('start-1'),
  published('start-1', 1),
  evaluated('r0', 1, scores(0.5)),
  { fact: 'round.opened', step: 'r1', round: 1, incumbent: checkpoints[1] ?? '' },
  sealed('r1'),
  published('r1', 2),
  evaluated('r1', 2, scores(0.7)),
  decided(1, 'promote', 0),
  { fact: 'round.opened', step: 'r2', round: 2, incumbent: checkpoints[2] ?? '' },
  sealed('r2'),
  published('r2', 3),
  evaluated('r2', 3, scores(0.71)),
  decided(2, 'keep', 1),
  { fact: 'round.opened', step: 'r3', round: 3, incumbent: checkpoints[2] ?? '' },
  sealed('r3'),
  published('r3', 4),
  evaluated('r3', 4, scores(0.69)),
  decided(3, 'keep', 2),
  {
    fact: 'run.finished',
    stopped: 'converged',
    reason: '2 rounds in a row without promotion (rounds.patience 2)',
    best: { round: 2, checkpoint: checkpoints[3] ?? '' },
  },
];
