import { randomBytes } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PermanentError } from '../../../shared/contract/failure.ts';
import { canonicalJson, sha256 } from '../../../shared/contract/ids.ts';
import type { TrainRequest } from '../../../shared/contract/steps.ts';
import { TrainingSpec, type TrainingResult } from '../../../shared/contract/training.ts';
import { writeFileDurably } from '../../../shared/process/files.ts';
import { trainingFailuresCounter } from '../../../shared/process/metrics.ts';
import type { Exit, Launch } from '../launch/launcher.ts';
import { ProgressReader } from '../launch/progress.ts';
import { specOfChat } from '../checkpoint/chat.ts';
import { type Attempt, openAttempt, readAttempts, writeAttempts } from './attempts.ts';
import { datasetFiles } from './dataset.ts';
import { firstError, logSince } from './evidence.ts';
import { type JobFolder, readResult } from './folder.ts';
import { doubtOf, judge } from './judge.ts';

/** How launchers know an attempt of a job. */
export function launchOf({ path, spec, log }: JobFolder, { name }: Attempt): Launch {
  return { name, spec, folder: path, log };
}

/**
 * Files the next attempt and its spec, and clears away what an earlier one left, apart from a result that proves that all is done. One that was
 * filed before a kill is taken up again.
 */
export async function fileAttempt(
  folder: JobFolder,
  request: TrainRequest,
  checkpoints: string,
  microBatch: number | null,
): Promise<Launch> {
  const earlier = await readAttempts(folder);
  const open = openAttempt(earlier);
  const rows = open === undefined ? microBatch : open.microBatch;
  const spec = canonicalJson(await specOf(folder, request, checkpoints, rows));
  await rm(folder.errors, { recursive: true, force: true });
  const result = await readResult(folder).catch(() => undefined);
  const doubt = doubtOf({ result, spec: sha256(spec), steps: undefined });
  if (doubt !== undefined) await rm(folder.result, { force: true });
  await writeFileDurably('trainer.spec', folder.spec, spec);
  if (open !== undefined) return launchOf(folder, open);
  const logFrom = await stat(folder.log).then(
    ({ size }) => size,
    () => 0,
  );
  const name = `reset-${randomBytes(8).toString('hex')}`;
  const attempt = { name, microBatch, logFrom, failure: null };
  await writeAttempts(folder, [...earlier, attempt]);
  return launchOf(folder, attempt);
}

/** Judges the attempt in hand by all that it left. True where it has succeeded; otherwise its failure is filed. */
export async function closeAttempt(folder: JobFolder, ending: Exit | 'stalled'): Promise<boolean> {
  const attempts = await readAttempts(folder);
  const open = openAttempt(attempts);
  if (open === undefined) return false;
  const spec = await readFile(folder.spec, 'utf8');
  const { training } = TrainingSpec.parse(JSON.parse(spec));
  const events = await new ProgressReader(folder.progress).read();
  const announced = events.findLast((event) => 'steps' in event);
  const { result, damage } = await resultOf(folder);
  const cause = judge({
    ending,
    result,
    damage,
    spec: sha256(spec),
    steps: training.steps ?? (announced as { steps: number } | undefined)?.steps,
    error: await firstError(folder),
    log: await logSince(folder, open.logFrom),
  });
  if (cause === undefined) return true;
  trainingFailuresCounter.inc({ class: cause.class });
  const step = Math.max(0, ...events.map((event) => ('step' in event ? event.step : 0)));
  await writeAttempts(folder, [...attempts.slice(0, -1), { ...open, failure: { ...cause, step } }]);
  return false;
}

/** A result that does not fit its schema is the program's fault, and judged. */
async function resultOf(
  folder: JobFolder,
): Promise<{ result: TrainingResult | undefined; damage?: string }> {
  try {
    return { result: await readResult(folder) };
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error;
    return { result: undefined, damage: error.message };
  }
}

async function specOf(
  folder: JobFolder,
  request: TrainRequest,
  checkpoints: string,
  microBatch: number | null,
): Promise<TrainingSpec> {
  return TrainingSpec.parse({
    version: 1,
    job: `${request.run}-${request.step}`,
    seed: request.seed,
    model: modelOf(request, checkpoints),
    anchor: request.anchor === null ? null : join(checkpoints, request.anchor),
    data: {
      train: await datasetFiles(folder.dataset),
      dev: request.dev === null ? [] : await datasetFiles(folder.dev),
    },
    output: folder.output,
    training: request.training,
    ...(microBatch === null ? {} : { microBatch }),
    probe: request.probe,
    ...(request.chat === undefined ? {} : { chat: specOfChat(request.chat) }),
  });
}

/** The model that a request starts from, in the checkpoints of this trainer. */
export function modelOf({ from }: TrainRequest, checkpoints: string): TrainingSpec['model'] {
  switch (from.kind) {
    case 'checkpoint':
      return { from: join(checkpoints, from.checkpoint) };
    case 'folder':
      return { from: from.path };
    case 'scratch':
      return { from: null, config: from.config };
  }
}
