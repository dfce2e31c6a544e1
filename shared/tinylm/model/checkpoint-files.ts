import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { performEffect } from '../failpoint.ts';

/** A file of a checkpoint is missing, damaged or of another kind; the message names the file and what is wrong. */
export class BadCheckpointError extends Error {
  override readonly name = 'BadCheckpointError';
  readonly path: string;

  constructor(path: string, reason: string, cause?: unknown) {
    super(`${path}: ${reason}`, { cause });
    this.path = path;
  }
}

/** Reads `path` whole; throws BadCheckpointError when it cannot be read. */
export async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const reason = missing ? 'is missing' : `cannot be read (${(error as Error).message})`;
    throw new BadCheckpointError(path, reason, error);
  }
}

/** Reads JSON at `path` by `schema`; throws BadCheckpointError that names the file and each bad field. */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const text = (await readBytes(path)).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new BadCheckpointError(path, `is not JSON (${(error as Error).message})`, error);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new BadCheckpointError(path, z.prettifyError(parsed.error));
  return parsed.data;
}

/**
 * Puts `data` at `path` so that after a crash there is the old file, or the whole new one: written to
 * `<path>.staging`, synced, renamed, and the folder synced. Failpoints: `<effect>.fsync`, `<effect>.rename`, `<effect>.fsync-folder`.
 */
export async function writeDurably(
  effect: string,
  path: string,
  data: Uint8Array | string,
): Promise<void> {
  const staging = `${path}.staging`;
  const file = await open(staging, 'w');
  try {
    await file.writeFile(data);
    await performEffect(`${effect}.fsync`, () => file.sync());
  } finally {
    await file.close();
  }
  await performEffect(`${effect}.rename`, () => rename(staging, path));
  await performEffect(`${effect}.fsync-folder`, () => syncFolder(dirname(path)));
}

/** Makes renames and new names in `folder` survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
