import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatasetManifest } from '../../../shared/contract/dataset.ts';
import { TransientError } from '../../../shared/contract/failure.ts';
import { digestOf } from '../../../shared/contract/ids.ts';
import { publishFolder, stagingPath } from '../../../shared/process/files.ts';

/** One message of a dataset's stream: the manifest's JSON first, then the bytes of its files, in its order. */
export interface DatasetPart {
  manifest?: string;
  chunk?: Buffer | Uint8Array | string;
}

/**
 * Copies a sealed dataset from the curator into `target`, checked against its digest; the folder appears whole or not at all.
 * Throws TransientError when the stream breaks off or brings other bytes.
 */
export async function fetchDataset(
  parts: AsyncIterable<DatasetPart>,
  digest: string,
  target: string,
): Promise<void> {
  const staging = stagingPath(target);
  await mkdir(staging, { recursive: true });
  try {
    await writeParts(parts, digest, staging);
    await publishFolder('trainer.dataset', staging, target);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function writeParts(
  parts: AsyncIterable<DatasetPart>,
  digest: string,
  staging: string,
): Promise<void> {
  const iterator = parts[Symbol.asyncIterator]();
  const first = await iterator.next();
  const manifest = first.done === true ? undefined : first.value.manifest;
  if (manifest === undefined)
    throw new TransientError(`dataset ${digest} began without its manifest`);
  const { files } = DatasetManifest.parse(JSON.parse(manifest));
  if (digestOf(JSON.parse(manifest)) !== digest)
    throw new TransientError(`the manifest is not that of dataset ${digest}`);
  let rest: Buffer = Buffer.alloc(0);
  for (const { path, size, sha256 } of files) {
    const hash = createHash('sha256');
    const file = await open(join(staging, path), 'wx');
    try {
      let written = 0;
      while (written < size) {
        if (rest.length === 0) rest = await nextChunk(iterator, path);
        const piece = rest.subarray(0, size - written);
        rest = rest.subarray(piece.length);
        await file.write(piece);
        hash.update(piece);
        written += piece.length;
      }
    } finally {
      await file.close();
    }
    if (hash.digest('hex') !== sha256)
      throw new TransientError(`${path} of dataset ${digest} came with other bytes`);
  }
}

async function nextChunk(iterator: AsyncIterator<DatasetPart>, path: string): Promise<Buffer> {
  const next = await iterator.next();
  if (next.done === true || next.value.chunk === undefined)
    throw new TransientError(`the dataset ended inside ${path}`);
  return Buffer.from(next.value.chunk);
}

export async function hasDataset(folder: string): Promise<boolean> {
  return stat(folder)
    .then((entry) => entry.isDirectory())
    .catch(() => false);
}

/** The shards of a fetched dataset, in order. */
export async function datasetFiles(folder: string): Promise<string[]> {
  return (await readdir(folder))
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .map((name) => join(folder, name));
}
