import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
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

/** A file of a sealed dataset, before it is one: its lines end with a line break. */
export interface Shard {
  readonly path: string;
  readonly lines: readonly string[];
  readonly rows: readonly TrainingRow[];
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
    const manifest = emptyManifest();
    for (const shard of shardsOf(rows, shardBytes)) {
      await writeFile(join(staging, shard.path), addShard(manifest, shard), { flag: 'wx' });
    }
    const sealed = named(manifest);
    await writeFile(join(staging, MANIFEST_FILE), canonicalJson(manifest));
    await publishFolder('dataset', staging, join(folder, sealed.digest));
    return sealed;
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
}

/** What `sealDataset` would seal, without a file. Throws as it does. */
export function describeDataset(rows: Iterable<TrainingRow>): SealedDataset {
  const manifest = emptyManifest();
  for (const shard of shardsOf(rows)) addShard(manifest, shard);
  return named(manifest);
}

/** The files of rows that are in order; a shard at a time is in memory. */
export function* shardsOf(rows: Iterable<TrainingRow>, shardBytes = SHARD_BYTES): Generator<Shard> {
  let index = 0;
  let shard: { lines: string[]; rows: TrainingRow[] } = { lines: [], rows: [] };
  let bytes = 0;
  const path = (): string => `shard-${String(index).padStart(5, '0')}.jsonl`;
  for (const row of inOrder(rows)) {
    const line = `${canonicalJson(row)}\n`;
    shard.lines.push(line);
    shard.rows.push(row);
    bytes += Buffer.byteLength(line);
    if (bytes < shardBytes) continue;
    yield { path: path(), ...shard };
    index += 1;
    shard = { lines: [], rows: [] };
    bytes = 0;
  }
  if (shard.rows.length > 0) yield { path: path(), ...shard };
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

function emptyManifest(): DatasetManifest {
  return { files: [], rows: 0, byDataset: {} };
}

/** Enters a shard into the manifest; returns its bytes. */
function addShard(manifest: DatasetManifest, { path, lines, rows }: Shard): Buffer {
  const bytes = Buffer.from(lines.join(''));
  manifest.files.push({ path, size: bytes.length, sha256: sha256(bytes) });
  manifest.rows += rows.length;
  for (const { dataset } of rows)
    manifest.byDataset[dataset] = (manifest.byDataset[dataset] ?? 0) + 1;
  return bytes;
}

function named(manifest: DatasetManifest): SealedDataset {
  if (manifest.rows === 0) throw new PermanentError('a dataset without rows cannot be sealed');
  return { digest: digestOf(manifest), manifest };
}

/** Whether a dataset lies in its folder with the manifest that its name says. */
export async function isSealed(folder: string, digest: string): Promise<boolean> {
  try {
    return sha256(await readFile(join(folder, digest, MANIFEST_FILE))) === digest;
  } catch {
    return false;
  }
}
