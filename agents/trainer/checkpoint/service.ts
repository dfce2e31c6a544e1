import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { MANIFEST_FILE } from '../../../shared/contract/checkpoint.ts';
import { PermanentError } from '../../../shared/contract/failure.ts';
import { Digest } from '../../../shared/contract/ids.ts';
import type { CheckpointServiceHandlers } from '../../../shared/rpc/generated/reset/v1/CheckpointService.ts';
import { handleStream } from '../../../shared/rpc/server.ts';
import { verifyCheckpoint } from './publish.ts';

const CHUNK_BYTES = 1024 * 1024;

/** CheckpointService: published files only, by names of the manifest, from any offset. */
export function checkpointService(checkpoints: string): CheckpointServiceHandlers {
  return {
    Fetch: handleStream(({ checkpoint, path, offset }, signal) =>
      read(checkpoints, checkpoint, path, offset, signal),
    ),
  };
}

async function* read(
  checkpoints: string,
  checkpoint: string,
  path: string,
  offset: number,
  signal: AbortSignal,
) {
  if (!Digest.safeParse(checkpoint).success)
    throw new PermanentError('a checkpoint is named by 64 hex digits');
  const { files } = await verifyCheckpoint(checkpoints, checkpoint);
  const name = path === '' ? MANIFEST_FILE : files.find((file) => file.path === path)?.path;
  if (name === undefined) throw new PermanentError(`checkpoint ${checkpoint} has no file ${path}`);
  const stream = createReadStream(join(checkpoints, checkpoint, name), {
    start: offset,
    highWaterMark: CHUNK_BYTES,
    signal,
  });
  for await (const chunk of stream as AsyncIterable<Buffer>) yield { chunk };
}
