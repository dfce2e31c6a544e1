import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import {
  CheckpointManifest,
  MANIFEST_FILE,
  PROBE_FILE,
  Probe,
} from '../../../shared/contract/checkpoint.ts';
import { messageOf, PermanentError } from '../../../shared/contract/failure.ts';
import { digestOf } from '../../../shared/contract/ids.ts';
import { refuseRemoved } from '../../../shared/process/removed.ts';

/** A published checkpoint on this machine. */
export interface LocalCheckpoint {
  folder: string;
  /** Empty where the checkpoint has none. */
  probe: Probe;
  /** The checkpoint that it was trained from, null where it was trained from nothing. */
  parent: string | null;
  /** Empty where the parent is not on this machine, or has none. */
  parentProbe: Probe;
}

/**
 * Reads the manifest and the probe of a published checkpoint, undefined where there is no such folder. Throws PermanentError where the manifest
 * is not the one that gave it its name or a file has another size, GoneError where its weights were removed. That the weights are the right ones is what the probe shows.
 */
export async function readLocal(
  checkpoints: string,
  digest: string,
): Promise<LocalCheckpoint | undefined> {
  const folder = join(checkpoints, digest);
  if ((await sizeOf(folder)) === undefined) return undefined;
  await refuseRemoved(folder);
  const manifest = await readJson(join(folder, MANIFEST_FILE), CheckpointManifest);
  if (digestOf(manifest) !== digest)
    throw new PermanentError(
      `${folder}: the manifest is not the one that gave it its name; remove the folder, and it is fetched or trained again`,
    );
  for (const { path, size } of manifest.files)
    if ((await sizeOf(join(folder, path))) !== size)
      throw new PermanentError(
        `${join(folder, path)} has not the ${size} bytes of its manifest; remove the folder, and it is fetched or trained again`,
      );
  const { parent } = manifest;
  return {
    folder,
    probe: await readProbe(folder),
    parent,
    parentProbe: parent === null ? [] : await readProbe(join(checkpoints, parent)),
  };
}

async function readProbe(folder: string): Promise<Probe> {
  const file = join(folder, PROBE_FILE);
  return (await sizeOf(file)) === undefined ? [] : readJson(file, Probe);
}

/** In bytes; undefined for what does not exist. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function readJson<TValue>(path: string, schema: z.ZodType<TValue>): Promise<TValue> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw new PermanentError(`${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
