import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Directory } from '../../../shared/bus/bus.ts';
import { CheckpointManifest, MANIFEST_FILE } from '../../../shared/contract/checkpoint.ts';
import {
  GoneError,
  messageOf,
  PermanentError,
  TransientError,
} from '../../../shared/contract/failure.ts';
import { canonicalJson, digestOf } from '../../../shared/contract/ids.ts';
import type { Tls } from '../../../shared/process/environment.ts';
import { publishFolder } from '../../../shared/process/files.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { checkpointClient, readStream } from '../../../shared/rpc/client.ts';
import { readLocal, sizeOf, type LocalCheckpoint } from './local.ts';

export interface FetchDeps {
  directory: Directory;
  checkpoints: string;
  /** Names the staging folder: a killed fetch is gone on with by the same peer, from the byte where it stood. */
  peer: string;
  tls?: Tls | undefined;
  log: Logger;
}

type Client = ReturnType<typeof checkpointClient>;
type File = CheckpointManifest['files'][number];

/**
 * The folder of a published checkpoint, fetched from a trainer peer where this machine does not have it. Throws TransientError while no trainer
 * that has it is there, GoneError where it was removed, PermanentError where what came is damaged.
 */
export async function fetchCheckpoint(
  digest: string,
  deps: FetchDeps,
  signal: AbortSignal,
): Promise<LocalCheckpoint> {
  const { directory, checkpoints, tls, log } = deps;
  const there = await readLocal(checkpoints, digest);
  if (there !== undefined) return there;
  const tried: string[] = [];
  let gone: GoneError | undefined;
  for (const { peer, role, grpc } of await directory.peers()) {
    if (role !== 'trainer' || grpc === null) continue;
    const client = checkpointClient(grpc, tls);
    try {
      await download(client, digest, deps, signal);
      log.info({ checkpoint: digest, from: peer }, 'fetched a checkpoint');
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof GoneError) gone = error;
      tried.push(`${peer}: ${messageOf(error)}`);
    } finally {
      client.close();
    }
    const fetched = await readLocal(checkpoints, digest);
    if (fetched !== undefined) return fetched;
  }
  if (gone !== undefined) throw gone;
  throw new TransientError(
    `checkpoint ${digest} is not in ${checkpoints} and no trainer gave it (${tried.join('; ') || 'none is there'}): share the folder, or start the trainer that made it`,
  );
}

async function download(
  client: Client,
  digest: string,
  { checkpoints, peer }: FetchDeps,
  signal: AbortSignal,
): Promise<void> {
  const manifest = await readManifest(client, digest, signal);
  const staging = join(checkpoints, `.fetch-${peer}-${digest}`);
  await mkdir(staging, { recursive: true });
  for (const file of manifest.files) await downloadFile(client, digest, staging, file, signal);
  await writeFile(join(staging, MANIFEST_FILE), canonicalJson(manifest));
  await publishFolder('sampler.checkpoint', staging, join(checkpoints, digest));
}

async function readManifest(
  client: Client,
  checkpoint: string,
  signal: AbortSignal,
): Promise<CheckpointManifest> {
  const chunks: Buffer[] = [];
  const stream = readStream(() => client.fetch({ checkpoint, path: '', offset: 0 }), { signal });
  for await (const { chunk } of stream) chunks.push(chunk);
  const manifest = CheckpointManifest.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
  if (digestOf(manifest) !== checkpoint)
    throw new PermanentError('the manifest that it sent is not the one of this checkpoint');
  return manifest;
}

/** Goes on behind the bytes that are there; a file whose hash is wrong in the end is removed. */
async function downloadFile(
  client: Client,
  checkpoint: string,
  folder: string,
  { path, size, sha256 }: File,
  signal: AbortSignal,
): Promise<void> {
  const target = join(folder, path);
  await mkdir(dirname(target), { recursive: true });
  const offset = (await sizeOf(target)) ?? 0;
  if (offset < size) {
    const stream = readStream(() => client.fetch({ checkpoint, path, offset }), { signal });
    const chunks = async function* (): AsyncGenerator<Buffer> {
      for await (const { chunk } of stream) yield chunk;
    };
    await pipeline(chunks, createWriteStream(target, { flags: 'a' }));
  }
  const hash = createHash('sha256');
  await pipeline(createReadStream(target), hash);
  if (hash.digest('hex') === sha256) return;
  await rm(target);
  throw new PermanentError(`${path} came damaged`);
}
