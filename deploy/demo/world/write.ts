import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { WorldOptions } from './world.ts';
import { createWorld, filesOf, sizes } from './world.ts';

/** Goes up when the same options give other rows than before. */
const version = 1;

/**
 * Writes the world into `folder`, whole or not at all: it is made beside it and renamed. A folder that already holds this
 * world is left alone; one that holds anything else is refused.
 *
 * @returns whether anything was written
 */
export async function writeWorld(folder: string, options: WorldOptions): Promise<boolean> {
  const sidecar = describe(options);
  const found = await readIfThere(join(folder, 'world.json'));
  if (found === sidecar) return false;
  if (found !== undefined)
    throw new Error(
      `${folder} holds another world (see its world.json): remove it or name another folder`,
    );
  const staging = `${folder}.staging`;
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  for (const [name, rows] of Object.entries(filesOf(createWorld(options))))
    await writeSynced(join(staging, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await writeSynced(join(staging, 'world.json'), sidecar);
  await syncFolder(staging);
  await rename(staging, folder).catch((error: unknown) => {
    throw new Error(`${folder} is in the way: remove it or name another folder`, { cause: error });
  });
  await syncFolder(dirname(folder));
  return true;
}

/** What a world says of itself: what it was made from and how much. Written last; no clock, so equal worlds have equal bytes. */
function describe({ seed, size, habits }: WorldOptions): string {
  return `${JSON.stringify({ version, seed, size, habits, rows: sizes[size] }, null, 2)}\n`;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
