import { runProgram } from './program.ts';

/** Scores rows offline with one judge; the judges' own program does it. */
export async function score(
  rows: string,
  options: { judge: string; set: readonly string[] },
  signal: AbortSignal,
): Promise<number> {
  const settings = options.set.flatMap((setting) => ['--set', setting]);
  return runProgram(
    'agents/judges/score.js',
    [rows, '--judge', options.judge, ...settings],
    process.env,
    signal,
  );
}
