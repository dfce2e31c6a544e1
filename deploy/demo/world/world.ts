import type { TrainingRow } from '../../../shared/contract/training.ts';
import type { Habits } from './habits.ts';
import { makeInstructRows } from './instruct.ts';
import type { Split } from './passages.ts';
import { createPopulation } from './population.ts';
import { makePretrainRows } from './pretrain.ts';
import { drawsFor } from './random.ts';
import type { ExampleRow } from './rows.ts';
import { makeSpanRows } from './span.ts';

/** Rows of a part, of each of the two datasets. `drill` is a world for tests that must be over in seconds. */
export const sizes = {
  demo: { pretrain: 11_200, train: 4_000, dev: 800, test: 600, unseen: 600 },
  drill: { pretrain: 960, train: 400, dev: 60, test: 60, unseen: 60 },
} as const;
export type Size = keyof typeof sizes;

export interface WorldOptions {
  seed: number;
  size: Size;
  habits: Habits;
}

export interface World {
  pretrain: TrainingRow[];
  span: Record<Split, ExampleRow[]>;
  instruct: Record<Split, ExampleRow[]>;
}

/** All rows of a world. The same options give the same rows; each part has a random stream of its own. */
export function createWorld({ seed, size, habits }: WorldOptions): World {
  const population = createPopulation(seed);
  const counts = sizes[size];
  const span = (split: Split): ExampleRow[] =>
    makeSpanRows(population, split, counts[split], habits, drawsFor(seed, `span/${split}`));
  const instruct = (split: Split): ExampleRow[] =>
    makeInstructRows(population, split, counts[split], drawsFor(seed, `instruct/${split}`));
  return {
    pretrain: makePretrainRows(population, counts.pretrain, drawsFor(seed, 'pretrain')),
    span: { train: span('train'), dev: span('dev'), test: span('test'), unseen: span('unseen') },
    instruct: {
      train: instruct('train'),
      dev: instruct('dev'),
      test: instruct('test'),
      unseen: instruct('unseen'),
    },
  };
}

/** The files of a world by name. What is unseen is a dataset of its own, with a test part only. */
export function filesOf({
  pretrain,
  span,
  instruct,
}: World): Record<string, readonly (TrainingRow | ExampleRow)[]> {
  return {
    'pretrain.jsonl': pretrain,
    'span.train.jsonl': span.train,
    'span.dev.jsonl': span.dev,
    'span.test.jsonl': span.test,
    'span-unseen.test.jsonl': span.unseen,
    'instruct.train.jsonl': instruct.train,
    'instruct.dev.jsonl': instruct.dev,
    'instruct.test.jsonl': instruct.test,
    'instruct-unseen.test.jsonl': instruct.unseen,
  };
}
