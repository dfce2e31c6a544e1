import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeDurably } from '../model/checkpoint-files.ts';
import { TrainingFailure } from './failure.ts';

/** How far a job has come, apart from its weights. */
const Position = z.strictObject({
  version: z.literal(1),
  /** Digest of what decides the weights: a state belongs to one job only. */
  job: z.string(),
  step: z.int().nonnegative(),
  tokens: z.int().nonnegative(),
  /** Of the last step. */
  loss: z.number(),
  parameters: z.int().positive(),
  /** The weights with the lowest loss on dev so far, where the job picks by it: their step and that loss. */
  best: z.strictObject({ step: z.int().positive(), loss: z.number() }).nullable(),
});
export type Position = z.infer<typeof Position>;

/** What a state holds besides: weights, moments, and the best weights where the job picks by dev. */
export type Arrays = readonly Float32Array[];

/** The state of a job: a line of JSON, then its arrays, under their SHA-256. */
const FILE = 'training-state';
const DIGEST_BYTES = 32;

export async function saveState(folder: string, position: Position, arrays: Arrays): Promise<void> {
  const head = Buffer.from(`${JSON.stringify(position)}\n`);
  const values = arrays.map((array) =>
    Buffer.from(array.buffer, array.byteOffset, array.byteLength),
  );
  const body = Buffer.concat([head, ...values]);
  const digest = createHash('sha256').update(body).digest();
  await mkdir(folder, { recursive: true });
  await writeDurably('tinylm.state', join(folder, FILE), Buffer.concat([digest, body]));
}

/**
 * Puts the saved arrays into `arrays` and returns the position; undefined when nothing has been saved.
 * Throws TrainingFailure for a damaged state and for one of another job.
 */
export async function loadState(
  folder: string,
  job: string,
  arrays: Arrays,
): Promise<Position | undefined> {
  const path = join(folder, FILE);
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const body = bytes.subarray(DIGEST_BYTES);
  const digest = createHash('sha256').update(body).digest();
  if (!digest.equals(bytes.subarray(0, DIGEST_BYTES)))
    throw new TrainingFailure('disk', `${path} is damaged: delete it to train from the start`);
  const end = body.indexOf('\n') + 1;
  const position = Position.parse(JSON.parse(body.subarray(0, end).toString('utf8')));
  if (position.job !== job)
    throw new TrainingFailure(
      'bad-spec',
      `${path} belongs to a job with other settings, rows or starting weights: use a new job folder, or delete it to train from the start`,
    );
  let at = end;
  for (const array of arrays) {
    const size = array.byteLength;
    Buffer.from(array.buffer, array.byteOffset, size).set(body.subarray(at, at + size));
    at += size;
  }
  return position;
}
