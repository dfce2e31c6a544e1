import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { performEffect } from './failpoint.ts';

const STAGING = '.staging-';

/** A fresh name beside `target`, on the same file system, that `sweepStaging` recognises. */
export function stagingPath(target: string): string {
  return join(dirname(target), `${STAGING}${basename(target)}-${randomBytes(6).toString('hex')}`);
}

/**
 * Writes a whole file or nothing: staging, fsync, rename, fsync of the folder. After it returns, a power loss keeps the file.
 * Failpoints: `<effect>.fsync`, `<effect>.rename`, `<effect>.fsync-folder`, each `.before` and `.after`.
 */
export async function writeFileDurably(
  effect: string,
  path: string,
  bytes: string | Uint8Array,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const staging = stagingPath(path);
  try {
    const file = await open(staging, 'wx');
    try {
      await file.writeFile(bytes);
      await performEffect(`${effect}.fsync`, () => file.sync());
    } finally {
      await file.close();
    }
    await performEffect(`${effect}.rename`, () => rename(staging, path));
  } catch (error) {
    await rm(staging, { force: true });
    throw error;
  }
  await performEffect(`${effect}.fsync-folder`, () => syncPath(dirname(path)));
}

/**
 * Publishes a folder under a name that stands for its content: fsync of each file, rename, fsync of the parent. A target that exists
 * already holds the same content: then staging is removed and the publication is done. Staging must lie on the target's file system.
 */
export async function publishFolder(
  effect: string,
  staging: string,
  target: string,
): Promise<void> {
  const entries = await readdir(staging, { withFileTypes: true, recursive: true });
  await mkdir(dirname(target), { recursive: true });
  await performEffect(`${effect}.fsync`, async () => {
    for (const entry of entries) await syncPath(join(entry.parentPath, entry.name));
    await syncPath(staging);
  });
  await performEffect(`${effect}.rename`, () => renameUnlessThere(staging, target));
  await performEffect(`${effect}.fsync-folder`, () => syncPath(dirname(target)));
}

/** Removes what a killed process left half written in a folder. Call it before the first write, by the folder's one owner. */
export async function sweepStaging(folder: string): Promise<void> {
  for (const name of await namesIn(folder)) {
    if (name.startsWith(STAGING)) await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

async function renameUnlessThere(staging: string, target: string): Promise<void> {
  try {
    await rename(staging, target);
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'EEXIST')) throw error;
    await rm(staging, { recursive: true, force: true });
  }
}

/** Makes a power loss keep a file's bytes, or the names in a folder. */
export async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
