import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Probe } from '../../shared/contract/checkpoint.ts';
import { canonicalJson, digestOf, sha256 } from '../../shared/contract/ids.ts';

/** Publishes a checkpoint of these files, and of a probe, into a folder of checkpoints. Returns its digest. */
export async function publish(
  checkpoints: string,
  files: Readonly<Record<string, string>>,
  probe: Probe,
): Promise<string> {
  const all = { ...files, 'probe.json': JSON.stringify(probe) };
  const described = Object.entries(all)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, text]) => ({ path, size: Buffer.byteLength(text), sha256: sha256(text) }));
  const manifest = { files: described, parent: null, dataset: null, training: null };
  const digest = digestOf(manifest);
  await mkdir(join(checkpoints, digest), { recursive: true });
  for (const [path, text] of Object.entries(all))
    await writeFile(join(checkpoints, digest, path), text);
  await writeFile(join(checkpoints, digest, 'manifest.json'), canonicalJson(manifest));
  return digest;
}
