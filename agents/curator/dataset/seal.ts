import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatasetManifest } from '../../../shared/contract/dataset.ts';
import { PermanentError } from '../../../shared/contract/failure.ts';
import { canonicalJson, digestOf, sha256 } from '../../../shared/contract/ids.ts';
import type { TrainingRow } from '../../../shared/contract/training.ts';
import { publishFolder, stagingPath } from '../../../shared/process/files.ts';
import { byExample } from '../plan/subset.ts';

/** Name of the manifest inside a sealed dataset; its sha256 is the dataset's. */
export const MANIFEST_FILE = 'manifest.json';

/** A shard ends with the row that reaches this size. */
const SHARD_BYTES = 16 * 1024 * 1024;

export interface SealedDataset {
  readonly digest: string;
  readonly manifest: DatasetManifest;
}

/**
 * Writes rows as a sealed dataset, `<folder>/<digest>`: JSONL shards and the manifest that names them, put into place by rename.
 * The same rows give the same bytes; a dataset that is there already is done. Throws PermanentError where there is no row or the
 * rows are not in order (by dataset, then id, each once): a sealed dataset never depends on arrival.
 */
export async function sealDataset(
  folder: string,
  rows: Iterable<TrainingRow>,
  shardBytes = SHARD_BYTES,
): Promise<SealedDataset> {
  await mkdir(folder, { recursive: true });
  const staging = stagingPath(join(folder, 'dataset'));
  await mkdir(staging);
  try {
    const manifest: DatasetManifest = { files: [], rows: 0, byDataset: {} };
    for (const shard of shardsOf(inOrder(rows), shardBytes)) {
      manifest.files.push(await writeShard(staging, manifest.files.length, shard));
      for (const { dataset } of shard) {
        manifest.rows += 1;
        manifest.byDataset[dataset] = (manifest.byDataset[dataset] ?? 0) + 1;
      }
    }
    if (manifest.rows === 0) throw new PermanentError('a dataset without rows cannot be sealed');
    await writeFile(join(staging, MANIFEST_FILE), canonicalJson(manifest));
    const digest = digestOf(manifest);
    await publishFolder('dataset', staging, join(folder, digest));
    return { digest, manifest };
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
}

function* inOrder(rows: Iterable<TrainingRow>): Generator<TrainingRow> {
  let last: TrainingRow | undefined;
  for (const row of rows) {
    if (last !== undefined && byExample(last, row) >= 0)
      throw new PermanentError(
        `row ${row.id} of ${row.dataset} follows ${last.id} of ${last.dataset}: the rows of a dataset are ordered and each is there once`,
      );
    yield row;
    last = row;
  }
}

function* shardsOf(rows: Iterable<TrainingRow>, shardBytes: number): Generator<TrainingRow[]> {
  let shard: TrainingRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    shard.push(row);
    bytes += Buffer.byteLength(lineOf(row));
    if (bytes >= shardBytes) {
      yield shard;
      shard = [];
      bytes = 0;
    }
  }
  if (shard.length > 0) yield shard;
}

async function writeShard(
  staging: string,
  index: number,
  rows: readonly TrainingRow[],
): Promise<DatasetManifest['files'][number]> {
  const path = `shard-${String(index).padStart(5, '0')}.jsonl`;
  const bytes = Buffer.from(rows.map(lineOf).join(''));
  const file = await open(join(staging, path), 'wx');
  try {
    await file.writeFile(bytes);
  } finally {
    await file.close();
  }
  return { path, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

function lineOf(row: TrainingRow): string {
  return `${canonicalJson(row)}\n`;
}

/** Whether a dataset lies in its folder with the manifest that its name says. */
export async function isSealed(folder: string, digest: string): Promise<boolean> {
  try {
    return sha256(await readFile(join(folder, digest, MANIFEST_FILE))) === digest;
  } catch {
    return false;
  }
}
