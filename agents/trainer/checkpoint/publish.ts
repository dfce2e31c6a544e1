import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CheckpointManifest, MANIFEST_FILE } from '../../../shared/contract/checkpoint.ts';
import { messageOf, PermanentError } from '../../../shared/contract/failure.ts';
import { canonicalJson, Digest, digestOf } from '../../../shared/contract/ids.ts';
import { publishFolder, stagingPath } from '../../../shared/process/files.ts';
import { refuseRemoved } from '../../../shared/process/removed.ts';
import { placeClaimed } from './claims.ts';
import { filesIn } from './files.ts';
import { refuseCode } from './refused.ts';
import { checkSafetensors } from './safetensors.ts';
import { checkShards } from './shards.ts';

/** Where a checkpoint comes from; part of its identity. */
export type Lineage = Pick<CheckpointManifest, 'parent' | 'dataset' | 'training'>;

/**
 * Publishes a HF-style folder as a checkpoint that `run` needs: copied to staging, checked, hashed, synced, renamed to the digest of its manifest, read again.
 * The same files with the same lineage give the same name; publishing twice is harmless. Throws PermanentError for files that must not be
 * trusted, and whatever the file system throws, such as ENOSPC, with nothing published.
 */
export async function publishCheckpoint(
  source: string,
  checkpoints: string,
  lineage: Lineage,
  run: string,
): Promise<string> {
  return inStaging(checkpoints, run, async (staging) => {
    // A manifest in the source speaks of another publication.
    const names = (await filesIn(source)).filter((name) => name !== MANIFEST_FILE);
    const files: CheckpointManifest['files'] = [];
    for (const name of names) {
      await copyChecked(join(source, name), join(staging, name), name);
      files.push(await describe(staging, name));
    }
    await checkShards(source);
    return CheckpointManifest.parse({ files, ...lineage });
  });
}

/** The digest that a published checkpoint's folder is named by; undefined for any other folder. */
export function publishedName(folder: string): string | undefined {
  return Digest.safeParse(basename(folder)).data;
}

/**
 * Takes a checkpoint that was published elsewhere, in the folder that its digest names, into `checkpoints` under the same digest, verified.
 * Throws PermanentError where a byte differs from its manifest, or the manifest from the name.
 */
export async function importCheckpoint(
  folder: string,
  checkpoints: string,
  run: string,
): Promise<string> {
  const digest = basename(folder);
  const manifest = await verifyCheckpoint(dirname(folder), digest);
  return inStaging(checkpoints, run, async (staging) => {
    for (const { path } of manifest.files)
      await copyChecked(join(folder, path), join(staging, path), path);
    return manifest;
  });
}

/** Publishes what `fill` puts into a staging folder under the digest of the manifest that it returns. */
async function inStaging(
  checkpoints: string,
  run: string,
  fill: (staging: string) => Promise<CheckpointManifest>,
): Promise<string> {
  await mkdir(checkpoints, { recursive: true });
  const staging = stagingPath(join(checkpoints, 'checkpoint'));
  await mkdir(staging);
  try {
    const manifest = await fill(staging);
    const digest = digestOf(manifest);
    await writeFile(join(staging, MANIFEST_FILE), canonicalJson(manifest));
    await placeClaimed(checkpoints, digest, run, (target) =>
      publishFolder('trainer.checkpoint', staging, target),
    );
    await verifyCheckpoint(checkpoints, digest);
    return digest;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function copyChecked(from: string, to: string, name: string): Promise<void> {
  const entry = await stat(from);
  if (!entry.isFile()) throw new PermanentError(`${name} is not a plain file`);
  await refuseCode(from, name);
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
  if (name.endsWith('.safetensors')) await checkSafetensors(to);
}

async function describe(
  folder: string,
  path: string,
): Promise<CheckpointManifest['files'][number]> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(join(folder, path)), hash);
  return { path, size: (await stat(join(folder, path))).size, sha256: hash.digest('hex') };
}

/**
 * Reads a published checkpoint again, whole. Throws PermanentError where a byte differs from the manifest, or the manifest from the name, and
 * GoneError where its weights were removed.
 */
export async function verifyCheckpoint(
  checkpoints: string,
  digest: string,
): Promise<CheckpointManifest> {
  const folder = join(checkpoints, digest);
  await refuseRemoved(folder);
  const manifest = await readManifest(folder);
  if (digestOf(manifest) !== digest)
    throw new PermanentError(
      `${folder}: the manifest is not the one that gave it its name; remove the folder and train the step again`,
    );
  for (const file of manifest.files) {
    const { size, sha256 } = await describe(folder, file.path);
    if (size !== file.size || sha256 !== file.sha256)
      throw new PermanentError(
        `${join(folder, file.path)} is damaged; remove the folder and train the step again`,
      );
  }
  return manifest;
}

async function readManifest(folder: string): Promise<CheckpointManifest> {
  try {
    return CheckpointManifest.parse(
      JSON.parse(await readFile(join(folder, MANIFEST_FILE), 'utf8')),
    );
  } catch (error) {
    throw new PermanentError(`${join(folder, MANIFEST_FILE)} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
