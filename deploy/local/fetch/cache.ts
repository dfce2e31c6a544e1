import { accessSync, constants, mkdirSync } from 'node:fs';
import { chmod, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../paths.ts';

/** Where fetched programs are kept: one file a platform, so that a shared home serves different machines. */
export const cachedName = `nats-server-${process.platform}-${process.arch}`;

/**
 * The folders that may hold a fetched nats-server, best first: the user's cache (all clones share it, and neither
 * `npm ci` nor `--fresh` empties it), else `node_modules/.cache` where the home cannot be written.
 */
export function cacheFolders(env: NodeJS.ProcessEnv): string[] {
  const home = env['XDG_CACHE_HOME'] ?? join(env['HOME'] ?? homedir(), '.cache');
  return [join(home, 'reset-loop'), join(packageRoot, 'node_modules/.cache/reset-loop')];
}

/**
 * Gives `fetch` an empty folder, verifies the program that it left there and moves it into the cache by a rename, so
 * that two fetches at once never show half a file. A torn file after a power cut fails its check and is fetched anew.
 */
export async function keepInCache(
  env: NodeJS.ProcessEnv,
  fetch: (folder: string) => Promise<string>,
  verify: (path: string) => Promise<unknown>,
): Promise<string> {
  const cache = writableFolder(cacheFolders(env));
  const staging = await mkdtemp(join(cache, 'fetching-'));
  try {
    const fetched = await fetch(staging);
    await chmod(fetched, 0o755);
    await verify(fetched);
    const kept = join(cache, cachedName);
    await rename(fetched, kept);
    return kept;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

function writableFolder(folders: readonly string[]): string {
  for (const folder of folders) {
    try {
      mkdirSync(folder, { recursive: true });
      accessSync(folder, constants.W_OK);
      return folder;
    } catch {
      continue;
    }
  }
  throw new Error(`no folder to keep it in: none of ${folders.join(', ')} can be written`);
}
