import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ADAPTER_FOLDER } from '../../../shared/contract/checkpoint.ts';

/** What lies in a model's folder, named as in a manifest and sorted: its files, and those of its adapter. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.map(async (entry) => {
    if (entry.name !== ADAPTER_FOLDER || !entry.isDirectory()) return [entry.name];
    const adapter = await readdir(join(folder, ADAPTER_FOLDER));
    return adapter.map((name) => `${ADAPTER_FOLDER}/${name}`);
  });
  return (await Promise.all(names)).flat().sort();
}
