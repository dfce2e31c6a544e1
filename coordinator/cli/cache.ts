import { join } from 'node:path';
import { runProgram } from './program.ts';

export interface CacheOptions {
  state: string;
  peer: string;
  json: boolean;
}

/** Looks into the verdicts that a judge's peer keeps, or removes all but those of the fingerprints in `keep`; the judges' own program does it. */
export async function cache(
  action: 'explain' | 'prune',
  keep: readonly string[],
  { state, peer, json }: CacheOptions,
  signal: AbortSignal,
): Promise<number> {
  return runProgram(
    'agents/judges/verdicts.js',
    [
      action,
      join(state, peer, 'verdicts'),
      ...keep.flatMap((fingerprint) => ['--keep', fingerprint]),
      ...(json ? ['--json'] : []),
    ],
    process.env,
    signal,
  );
}
