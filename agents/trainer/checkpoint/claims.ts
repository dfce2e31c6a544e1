/**
 * Which runs need which checkpoint: `<checkpoints>/.claims/<digest>/<run>`. They lie beside the checkpoints, for several runs and trainers may share
 * the folder, and equal trainings of two runs are one checkpoint.
 *
 * C1. A run claims what it publishes before it is in place, and what its file names before it is read.
 * C2. What nobody claims and nobody has removed was there before there were claims: nobody may claim it, so it stays.
 * C3. A removed checkpoint says so before its first file goes; its manifest and its probe stay.
 * C4. Publishing and releasing wait for each other, so nothing is removed that is just being published again.
 */
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import {
  MANIFEST_FILE,
  PROBE_FILE,
  REMOVED_FILE,
  type Removed,
} from '../../../shared/contract/checkpoint.ts';
import { canonicalJson } from '../../../shared/contract/ids.ts';
import { performEffect } from '../../../shared/process/failpoint.ts';
import { syncPath, writeFileDurably } from '../../../shared/process/files.ts';
import { readRemoved } from '../../../shared/process/removed.ts';

const KEPT = [MANIFEST_FILE, PROBE_FILE, REMOVED_FILE];

const oneAtATime = pLimit(1);

/** Notes that a run needs a checkpoint. */
export async function claim(checkpoints: string, digest: string, run: string): Promise<void> {
  await oneAtATime(() => note(checkpoints, digest, run));
}

/** Has `place` put a claimed checkpoint where it belongs; what is left of it from a removal gives way. */
export async function placeClaimed(
  checkpoints: string,
  digest: string,
  run: string,
  place: (target: string) => Promise<void>,
): Promise<void> {
  const target = join(checkpoints, digest);
  await oneAtATime(async () => {
    await note(checkpoints, digest, run);
    if ((await readRemoved(target)) !== undefined) await clear(target);
    await place(target);
  });
}

/** Ends a run's claim, and removes the weights where no other run claims the checkpoint. May be repeated. */
export async function release(
  checkpoints: string,
  digest: string,
  removed: Removed,
): Promise<void> {
  const folder = join(checkpoints, digest);
  const own = join(claimsOf(checkpoints, digest), removed.run);
  await oneAtATime(async () => {
    const begun = await readRemoved(folder);
    if (begun === undefined) {
      const runs = await namesIn(claimsOf(checkpoints, digest));
      if (!runs.includes(removed.run)) return;
      if (runs.length > 1) {
        await rm(own);
        return;
      }
    }
    const said = canonicalJson(begun ?? removed);
    await writeFileDurably('trainer.removed', join(folder, REMOVED_FILE), said);
    const names = (await readdir(folder)).filter((name) => !KEPT.includes(name));
    await performEffect('trainer.remove', async () => {
      for (const name of names) await rm(join(folder, name), { recursive: true, force: true });
    });
    await rm(own, { force: true });
  });
}

async function note(checkpoints: string, digest: string, run: string): Promise<void> {
  const claims = claimsOf(checkpoints, digest);
  const folder = join(checkpoints, digest);
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  const isOld = isThere && (await namesIn(claims)).length === 0;
  if (isOld && (await readRemoved(folder)) === undefined) return;
  // An empty file is whole as soon as it is there, so nothing is left half written beside it.
  await performEffect('trainer.claim', async () => {
    await mkdir(claims, { recursive: true });
    await writeFile(join(claims, run), '');
    await syncPath(claims);
  });
}

/** Until the end it says that it was removed: killed before, it is neither a checkpoint nor in the way of one. */
async function clear(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name !== REMOVED_FILE) await rm(join(folder, name), { recursive: true });
  await rm(folder, { recursive: true });
}

function claimsOf(checkpoints: string, digest: string): string {
  return join(checkpoints, '.claims', digest);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith('.'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
