import { runProgram } from './program.ts';

export interface JudgeCheckOptions {
  set: readonly string[];
  rows?: string | undefined;
  profiles?: string | undefined;
  json: boolean;
}

/** Measures a judge against labels and planted answers; the judges' own program does it. */
export async function judgeCheck(
  type: string,
  { set, rows, profiles, json }: JudgeCheckOptions,
  signal: AbortSignal,
): Promise<number> {
  return runProgram(
    'agents/judges/check.js',
    [
      type,
      ...set.flatMap((setting) => ['--set', setting]),
      ...(rows === undefined ? [] : ['--rows', rows]),
      ...(profiles === undefined ? [] : ['--profiles', profiles]),
      ...(json ? ['--json'] : []),
    ],
    process.env,
    signal,
  );
}
