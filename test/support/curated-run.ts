import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunFile } from '../../shared/contract/run-file.ts';
import { makeRunFile } from './run.ts';

export interface WrittenRun {
  /** Rows of each train part; dev and test have a quarter each. */
  rows: number;
  changes?: Parameters<typeof makeRunFile>[0];
}

/** Writes the rows of a small run into a folder, and returns its run file. */
export function writeRun(folder: string, { rows, changes = {} }: WrittenRun): RunFile {
  mkdirSync(folder, { recursive: true });
  const write = (name: string, from: number, count: number, row: (index: number) => object) => {
    const lines = Array.from({ length: count }, (_, at) => JSON.stringify(row(from + at)));
    writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
    return join(folder, name);
  };
  const question = (index: number): object => ({
    context: `Person ${index} lives in Oslo and works in Paris.`,
    question: `Where does person ${index} live?`,
    references: ['Oslo'],
  });
  const command = (index: number): object => ({
    instruction: `Write the number ${index} and Oslo.`,
    constraints: [{ type: 'word_count', max: 3 }],
  });
  const part = Math.ceil(rows / 4);
  return makeRunFile({
    datasets: [
      {
        name: 'span',
        kind: 'extractive_qa',
        train: write('span.train.jsonl', 0, rows, question),
        dev: write('span.dev.jsonl', 100_000, part, question),
        test: write('span.test.jsonl', 200_000, part, question),
      },
      {
        name: 'instruct',
        kind: 'instruction',
        train: write('instruct.train.jsonl', 300_000, rows, command),
        dev: write('instruct.dev.jsonl', 400_000, part, command),
        test: write('instruct.test.jsonl', 500_000, part, command),
      },
    ],
    start: [
      {
        name: 'mtl',
        rows: write('start.jsonl', 0, 4, (index) => ({
          id: `row-${index}`,
          dataset: 'span',
          turns: [{ prompt: `p${index}`, completion: ' c' }],
        })),
      },
    ],
    ...changes,
  });
}
