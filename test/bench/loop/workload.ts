/** What the bench has the loop do: rows of a passage and a question, answered by texts of 500 bytes and judged by two deterministic judges. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunFile } from '../../../shared/contract/run-file.ts';
import { makeRunFile } from '../../support/run.ts';

export const CANDIDATE_BYTES = 500;
const CONTEXT_WORDS = 60;
const DEV_ROWS = 4;

const WORDS = Array.from({ length: 256 }, (_, at) => `w${at.toString(36)}rd`);

export interface Workload {
  readonly examples: number;
  /** `default`: as many examples in a unit as the plan allows, with seven candidates each. `single`: one candidate in a unit. */
  readonly units: 'default' | 'single';
}

/** Candidates of one round. */
export function candidatesOf({ examples, units }: Workload): number {
  return units === 'single' ? examples : examples * 7;
}

/** Writes the rows into a folder and returns the run file. Every round takes all train rows. */
export async function writeWorkload(folder: string, workload: Workload): Promise<RunFile> {
  const data = join(folder, 'data');
  await mkdir(data, { recursive: true });
  const write = async (name: string, from: number, rows: number): Promise<string> => {
    const path = join(data, name);
    const lines = Array.from({ length: rows }, (_, at) => JSON.stringify(rowOf(from + at)));
    await writeFile(path, `${lines.join('\n')}\n`);
    return path;
  };
  const train = await write('train.jsonl', 0, workload.examples);
  const dev = await write('dev.jsonl', workload.examples, DEV_ROWS);
  // A worst case near the limit of a unit makes each example a unit of its own.
  const single = { temperatures: [0.5], maxTokens: 32_000 };
  const usual = { maxTokens: CANDIDATE_BYTES / 4 };
  return makeRunFile({
    run: 'bench',
    sampling: {
      server: 'local',
      draw: 'temperature',
      ...(workload.units === 'single' ? single : usual),
    },
    datasets: [{ name: 'span', kind: 'extractive_qa', train, dev }],
    judges: [
      { name: 'em', axis: 'task', type: 'exact-match' },
      { name: 'span', axis: 'faithfulness', type: 'span-coverage' },
    ],
  });
}

function rowOf(index: number): object {
  return {
    context: wordsFrom(index, CONTEXT_WORDS),
    question: `What is said of number ${index}?`,
    references: [wordsFrom(index, 2)],
  };
}

/** The text of a candidate: 500 bytes that no other candidate has. */
export function textOf(candidate: string): string {
  const seed = Number.parseInt(candidate.slice(0, 8), 16);
  return `${candidate} ${wordsFrom(seed, 120)}`.slice(0, CANDIDATE_BYTES);
}

/** Words of a linear congruential generator: enough for texts that differ. */
export function wordsFrom(seed: number, count: number): string {
  const words: string[] = [];
  for (let state = seed >>> 0; words.length < count;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words.push(WORDS[state >>> 24] ?? '');
  }
  return words.join(' ');
}
