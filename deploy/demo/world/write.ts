import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { publishFolder } from '../../../shared/process/files.ts';
import type { WorldOptions } from './world.ts';
import { createWorld, filesOf, sizes } from './world.ts';

/** Goes up when the same options give other rows than before. */
const version = 2;

/**
 * Writes the world into `folder`, whole or not at all: it is made beside it and renamed. A folder that already holds this
 * world is left alone; one that holds anything else is refused.
 *
 * @returns whether anything was written
 */
export async function writeWorld(folder: string, options: WorldOptions): Promise<boolean> {
  const sidecar = describe(options);
  const found = await unlessMissing(readFile(join(folder, 'world.json'), 'utf8'));
  if (found === sidecar) return false;
  if (found !== undefined)
    throw new Error(
      `${folder} holds another world (see its world.json): remove it or name another folder`,
    );
  if (((await unlessMissing(readdir(folder))) ?? []).length > 0)
    throw new Error(`${folder} holds other files: name a folder of its own for the world`);
  const staging = `${folder}.staging`;
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  for (const [name, rows] of Object.entries(filesOf(createWorld(options))))
    await writeFile(join(staging, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await writeFile(join(staging, 'world.json'), sidecar);
  await publishFolder('supervisor.world', staging, folder);
  return true;
}

/** What a world says of itself: what it was made from and how much. No clock in it, so equal worlds have equal bytes. */
function describe({ seed, size, habits, vocabulary }: WorldOptions): string {
  return `${JSON.stringify({ version, seed, size, habits, vocabulary, rows: sizes[size] }, null, 2)}\n`;
}

async function unlessMissing<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
