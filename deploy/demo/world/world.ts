import type { TrainingRow } from '../../../shared/contract/training.ts';
import { makeAbsRows } from './abs.ts';
import type { Habits } from './habits.ts';
import { makeInstructRows } from './instruct.ts';
import type { Split } from './passages.ts';
import { createPopulation } from './population.ts';
import { makePretrainRows } from './pretrain.ts';
import { drawsFor } from './random.ts';
import type { ExampleRow, Part } from './rows.ts';
import { makeSpanRows } from './span.ts';
import { makeSumRows } from './sum.ts';

/**
 * Rows of a part: of each context dataset, and of `instruct` where it has more. `wording` is the size of the set with new
 * wordings. `drill` is a world for tests that must be over in seconds.
 */
export const sizes = {
  demo: {
    pretrain: 9_600,
    context: { train: 4_000, dev: 300, test: 500, unseen: 500 },
    instruct: { train: 4_000, dev: 1_000, test: 1_000 },
    wording: 300,
  },
  drill: {
    pretrain: 960,
    context: { train: 400, dev: 60, test: 60, unseen: 60 },
    instruct: { train: 400, dev: 60, test: 60 },
    wording: 60,
  },
} as const;
export type Size = keyof typeof sizes;

export interface WorldOptions {
  seed: number;
  size: Size;
  habits: Habits;
  /** Seed of the vocabulary; 0 is the English-like one. */
  vocabulary: number;
}

export interface World {
  pretrain: TrainingRow[];
  instruct: Record<'train' | 'dev' | 'test', ExampleRow[]>;
  span: Record<Split, ExampleRow[]>;
  abs: Record<Split, ExampleRow[]>;
  sum: Record<Split, ExampleRow[]>;
  /** Extractive questions of the test split in wordings that nothing is trained on. */
  wording: ExampleRow[];
}

/** All rows of a world. The same options give the same rows; each part has a random stream of its own. */
export function createWorld({ seed, size, habits, vocabulary }: WorldOptions): World {
  const population = createPopulation(seed, vocabulary);
  const { pretrain, context, instruct, wording } = sizes[size];
  const part = (name: string, split: Split, count: number): Part => ({
    population,
    split,
    count,
    habits,
    draws: drawsFor(seed, `${name}/${split}`),
  });
  const contextRows = (name: string, make: (part: Part) => ExampleRow[]) => ({
    train: make(part(name, 'train', context.train)),
    dev: make(part(name, 'dev', context.dev)),
    test: make(part(name, 'test', context.test)),
    unseen: make(part(name, 'unseen', context.unseen)),
  });
  return {
    pretrain: makePretrainRows(population, pretrain, drawsFor(seed, 'pretrain')),
    instruct: {
      train: makeInstructRows(part('instruct', 'train', instruct.train)),
      dev: makeInstructRows(part('instruct', 'dev', instruct.dev)),
      test: makeInstructRows(part('instruct', 'test', instruct.test)),
    },
    span: contextRows('span', makeSpanRows),
    abs: contextRows('abs', makeAbsRows),
    sum: contextRows('sum', makeSumRows),
    wording: makeSpanRows(part('wording', 'test', wording), ({ newQuestion }) => [newQuestion]),
  };
}

/** The files of a world by name. What is unseen, or worded anew, is a dataset of its own with a test part only. */
export function filesOf({
  pretrain,
  instruct,
  wording,
  ...contexts
}: World): Record<string, readonly (TrainingRow | ExampleRow)[]> {
  const files: Record<string, readonly (TrainingRow | ExampleRow)[]> = {
    'pretrain.jsonl': pretrain,
    'instruct.train.jsonl': instruct.train,
    'instruct.dev.jsonl': instruct.dev,
    'instruct.test.jsonl': instruct.test,
    'span-wording.test.jsonl': wording,
  };
  for (const [name, { train, dev, test, unseen }] of Object.entries(contexts)) {
    files[`${name}.train.jsonl`] = train;
    files[`${name}.dev.jsonl`] = dev;
    files[`${name}.test.jsonl`] = test;
    files[`${name}-unseen.test.jsonl`] = unseen;
  }
  return files;
}
