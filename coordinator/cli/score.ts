import { runProgram } from './program.ts';

export interface ScoreOptions {
  judge: string;
  set: readonly string[];
  profiles?: string | undefined;
}

/** Scores rows offline with one judge; the judges' own program does it. */
export async function score(
  rows: string,
  options: ScoreOptions,
  signal: AbortSignal,
): Promise<number> {
  const settings = options.set.flatMap((setting) => ['--set', setting]);
  const profiles = options.profiles === undefined ? [] : ['--profiles', options.profiles];
  return runProgram(
    'agents/judges/score.js',
    [rows, '--judge', options.judge, ...settings, ...profiles],
    process.env,
    signal,
  );
}
