import { dirname } from 'node:path';
import { messageOf, PermanentError } from '../../../shared/contract/failure.ts';
import { digestOf } from '../../../shared/contract/ids.ts';
import type { TrainOutcome, TrainRequest } from '../../../shared/contract/steps.ts';
import { refuseOtherChat } from '../checkpoint/chat.ts';
import {
  importCheckpoint,
  publishCheckpoint,
  publishedName,
  verifyCheckpoint,
} from '../checkpoint/publish.ts';
import { type JobFolder, readResult } from './folder.ts';

/**
 * Publishes what a job left, or the folder that it was given, into `checkpoints`. What the program did wrong is the outcome; other failures
 * are thrown.
 */
export async function publishResult(
  checkpoints: string,
  folder: JobFolder,
  request: TrainRequest,
): Promise<TrainOutcome> {
  const result = await readResult(folder);
  const { run, from, dataset, chat } = request;
  try {
    if (dataset === null && from.kind === 'folder') {
      refuseOtherChat(from.path, chat);
      const given = publishedName(from.path);
      const checkpoint = await (given === undefined
        ? publishCheckpoint(from.path, checkpoints, { parent: null, dataset, training: null }, run)
        : importCheckpoint(from.path, checkpoints, run));
      return { outcome: 'published', checkpoint, parent: null };
    }
    refuseOtherChat(folder.output, chat);
    const parent = await parentOf(from);
    const training = trainingDigest(request);
    const lineage = { parent, dataset, training };
    const checkpoint = await publishCheckpoint(folder.output, checkpoints, lineage, run);
    const kl = result?.status === 'completed' ? result.dev?.kl : undefined;
    return { outcome: 'published', checkpoint, parent, ...(kl === undefined ? {} : { kl }) };
  } catch (error) {
    if (error instanceof PermanentError)
      return { outcome: 'failed', kind: 'bad-checkpoint', reason: error.message };
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') {
      return {
        outcome: 'failed',
        kind: 'disk',
        reason: `no space left for the checkpoint: ${messageOf(error)}. Free space, then reset-loop resume`,
      };
    }
    throw error;
  }
}

/** The checkpoint that was trained on, where there is one: a given folder is one when its digest names it, and then it must be what that says. */
async function parentOf(from: TrainRequest['from']): Promise<string | null> {
  if (from.kind === 'checkpoint') return from.checkpoint;
  const given = from.kind === 'folder' ? publishedName(from.path) : undefined;
  if (from.kind === 'folder' && given !== undefined)
    await verifyCheckpoint(dirname(from.path), given);
  return given ?? null;
}

/** Digest of what the training was told to do, without the paths of this machine and what only measures it. */
function trainingDigest({ seed, backend, from, dev, training }: TrainRequest): string {
  return digestOf({
    seed,
    backend,
    training,
    dev: training.pick === 'last' ? null : dev,
    from: from.kind === 'folder' ? { kind: 'folder' } : from,
  });
}
