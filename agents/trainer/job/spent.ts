import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { jobFolder, readResult } from './folder.ts';

/**
 * GPU-seconds that the programs of a run's jobs report. A failed attempt counts until the user has it tried again; a program that died for
 * good without a result never does, for nobody measured it.
 */
export async function spentOn(jobs: string, run: string): Promise<number> {
  let seconds = 0;
  for (const step of await namesIn(join(jobs, run)))
    seconds += (await readResult(jobFolder(jobs, { run, step })))?.gpuSeconds ?? 0;
  return seconds;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
