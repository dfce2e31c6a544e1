import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../model/checkpoint-files.ts';
import { writeCheckpoint, type Checkpoint } from '../model/checkpoint.ts';

/** Publishes the trained model at `folder`: it appears whole or not at all. What an earlier attempt left is replaced. */
export async function writeOutput(folder: string, checkpoint: Checkpoint): Promise<void> {
  const staging = `${folder}.staging`;
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  await writeCheckpoint(staging, checkpoint);
  await rm(folder, { recursive: true, force: true });
  await rename(staging, folder);
  await syncFolder(dirname(folder));
}
