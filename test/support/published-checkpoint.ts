import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { filesIn } from '../../agents/trainer/checkpoint/files.ts';
import { Probe } from '../../shared/contract/checkpoint.ts';
import { canonicalJson, digestOf, sha256 } from '../../shared/contract/ids.ts';

/** Publishes a checkpoint of these files, and of a probe, into a folder of checkpoints. Returns its digest. */
export async function publish(
  checkpoints: string,
  files: Readonly<Record<string, string | Buffer>>,
  probe: Probe,
): Promise<string> {
  const all = { ...files, 'probe.json': JSON.stringify(probe) };
  const described = Object.entries(all)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, data]) => ({ path, size: Buffer.byteLength(data), sha256: sha256(data) }));
  const manifest = { files: described, parent: null, dataset: null, training: null };
  const digest = digestOf(manifest);
  for (const [path, data] of Object.entries(all)) {
    await mkdir(dirname(join(checkpoints, digest, path)), { recursive: true });
    await writeFile(join(checkpoints, digest, path), data);
  }
  await writeFile(join(checkpoints, digest, 'manifest.json'), canonicalJson(manifest));
  return digest;
}

/** Publishes what lies in a folder, its probe among it. */
export async function publishFolder(checkpoints: string, folder: string): Promise<string> {
  const names = await filesIn(folder);
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(join(folder, name))] as const),
  );
  const { 'probe.json': probe, ...others } = Object.fromEntries(files);
  return publish(checkpoints, others, Probe.parse(JSON.parse(String(probe))));
}
