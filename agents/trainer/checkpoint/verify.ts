import { basename, dirname, join } from 'node:path';
import { type CheckpointManifest, MANIFEST_FILE } from '../../../shared/contract/checkpoint.ts';
import { PermanentError } from '../../../shared/contract/failure.ts';
import { filesIn } from './files.ts';
import { publishedName, verifyCheckpoint } from './publish.ts';
import { refuseCode } from './refused.ts';
import { checkSafetensors } from './safetensors.ts';
import { checkShards } from './shards.ts';

/**
 * Reads a published checkpoint's folder whole, before anything loads it: name, manifest, sizes and hashes, no file besides, no format that can carry
 * code, sound safetensors, and every shard that an index names. Throws PermanentError for the first thing that is wrong.
 */
export async function verifyFolder(folder: string): Promise<CheckpointManifest> {
  if (publishedName(folder) === undefined)
    throw new PermanentError(
      `${folder} is no published checkpoint: its name must be the 64 hex digits of its digest`,
    );
  const manifest = await verifyCheckpoint(dirname(folder), basename(folder));
  const listed = new Set([MANIFEST_FILE, ...manifest.files.map(({ path }) => path)]);
  const besides = (await filesIn(folder)).filter((name) => !listed.has(name));
  if (besides.length > 0)
    throw new PermanentError(
      `${folder} holds ${besides.join(', ')}, which its manifest does not name: remove what is not of the checkpoint`,
    );
  for (const { path } of manifest.files) {
    await refuseCode(join(folder, path), path);
    if (path.endsWith('.safetensors')) await checkSafetensors(join(folder, path));
  }
  await checkShards(folder);
  return manifest;
}
