import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatasetManifest } from '../../shared/contract/dataset.ts';
import { PermanentError } from '../../shared/contract/failure.ts';
import { Digest, sha256 } from '../../shared/contract/ids.ts';
import { MANIFEST_FILE } from './dataset/seal.ts';

const CHUNK_BYTES = 256 * 1024;

/**
 * The manifest of a sealed dataset, then the bytes of its shards one after the other from `offset` on. PermanentError where there is no
 * such dataset or its manifest was changed; the reader checks the shards against the manifest.
 */
export async function* readShards(
  datasets: string,
  dataset: string,
  offset: number,
): AsyncGenerator<{ manifest: string } | { chunk: Buffer }> {
  const folder = join(datasets, Digest.parse(dataset));
  const text = await readManifest(folder, dataset);
  yield { manifest: text };
  let skip = offset;
  for (const { path, size } of DatasetManifest.parse(JSON.parse(text)).files) {
    if (skip < size) {
      const options = { start: skip, highWaterMark: CHUNK_BYTES };
      for await (const chunk of createReadStream(join(folder, path), options))
        yield { chunk: chunk as Buffer };
    }
    skip = Math.max(0, skip - size);
  }
}

async function readManifest(folder: string, dataset: string): Promise<string> {
  const text = await readFile(join(folder, MANIFEST_FILE), 'utf8').catch(() => undefined);
  if (text === undefined)
    throw new PermanentError(`there is no sealed dataset ${dataset} in this curator's folder`);
  if (sha256(text) === dataset) return text;
  throw new PermanentError(
    `the manifest of dataset ${dataset} is damaged: remove ${folder} and restart the curator, which seals it again from the ledger`,
  );
}
