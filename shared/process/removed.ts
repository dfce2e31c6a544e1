import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { REMOVED_FILE, Removed } from '../contract/checkpoint.ts';
import { GoneError } from '../contract/failure.ts';

/** Which run has let go of the checkpoint in this folder, so that its weights are not there any more; undefined where none has. */
export async function readRemoved(folder: string): Promise<Removed | undefined> {
  try {
    return Removed.parse(JSON.parse(await readFile(join(folder, REMOVED_FILE), 'utf8')));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Throws GoneError where the checkpoint in this folder was removed. */
export async function refuseRemoved(folder: string): Promise<void> {
  const removed = await readRemoved(folder);
  if (removed !== undefined)
    throw new GoneError(
      `checkpoint ${basename(folder)} was removed after round ${removed.round} of run ${removed.run}, which keeps no more than it needs (checkpoints.keep)`,
    );
}
