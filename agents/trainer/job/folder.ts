import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PermanentError } from '../../../shared/contract/failure.ts';
import { canonicalJson } from '../../../shared/contract/ids.ts';
import { TrainOutcome, TrainRequest } from '../../../shared/contract/steps.ts';
import { TrainingResult } from '../../../shared/contract/training.ts';
import { sweepStaging, writeFileDurably } from '../../../shared/process/files.ts';
import { readJson } from './read-json.ts';

/** Where everything of one job lies: `<jobs>/<run>/<step>/`. Ids are safe as file names. */
export interface JobFolder {
  path: string;
  dataset: string;
  dev: string;
  spec: string;
  progress: string;
  result: string;
  /** One file of each rank that failed in the attempt in hand. */
  errors: string;
  attempts: string;
  output: string;
  log: string;
}

export function jobFolder(
  jobs: string,
  { run, step }: Pick<TrainRequest, 'run' | 'step'>,
): JobFolder {
  const path = join(jobs, run, step);
  return {
    path,
    dataset: join(path, 'dataset'),
    dev: join(path, 'dev'),
    spec: join(path, 'spec.json'),
    progress: join(path, 'progress.jsonl'),
    result: join(path, 'train_result.json'),
    errors: join(path, 'errors'),
    attempts: join(path, 'attempts.json'),
    output: join(path, 'output'),
    log: join(path, 'program.log'),
  };
}

/** Removes what a killed trainer left in its jobs' folders: half written, or of a job that is done. Call it before the first job. */
export async function sweepJobs(jobs: string): Promise<void> {
  await mkdir(jobs, { recursive: true });
  for (const run of await readdir(jobs))
    for (const step of await readdir(join(jobs, run))) {
      const folder = jobFolder(jobs, { run, step });
      await sweepStaging(folder.path);
      if ((await readOutcome(folder))?.outcome === 'published') await tidyJob(folder);
    }
}

/** What says what a job was told, and how it went. */
const RECORD = /\.(json|jsonl|log)$/;

/**
 * Removes the bulk of a job whose checkpoint is published: its datasets, what the program needed to go on, and the output, which has been copied.
 * Its records stay.
 */
export async function tidyJob(folder: JobFolder): Promise<void> {
  for (const name of await readdir(folder.path))
    if (!RECORD.test(name)) await rm(join(folder.path, name), { recursive: true, force: true });
}

/**
 * Files a request as the job's own. The same one may come again; a higher attempt removes a failed outcome so that the job is tried again.
 * Throws PermanentError when the step was started with another request.
 */
export async function fileRequest(folder: JobFolder, request: TrainRequest): Promise<void> {
  await mkdir(folder.path, { recursive: true });
  const earlier = await readRequest(folder);
  if (earlier !== undefined && identity(earlier) !== identity(request)) {
    throw new PermanentError(
      `step ${request.step} of ${request.run} was started with another request: give the run a new name, or remove ${folder.path}`,
    );
  }
  if (
    earlier !== undefined &&
    request.attempt > earlier.attempt &&
    (await readOutcome(folder))?.outcome === 'failed'
  ) {
    // The outcome goes last: while it stands, this is done again.
    await rm(folder.result, { force: true });
    await rm(folder.attempts, { force: true });
    await rm(cancelledFile(folder), { force: true });
    await rm(join(folder.path, 'outcome.json'), { force: true });
  }
  if (earlier === undefined || request.attempt > earlier.attempt) {
    await writeFileDurably(
      'trainer.request',
      join(folder.path, 'request.json'),
      canonicalJson(request),
    );
  }
}

function identity(request: TrainRequest): string {
  return canonicalJson({ ...request, attempt: 0 });
}

export async function readRequest(folder: JobFolder): Promise<TrainRequest | undefined> {
  return readJson(join(folder.path, 'request.json'), TrainRequest);
}

export async function readOutcome(folder: JobFolder): Promise<TrainOutcome | undefined> {
  return readJson(join(folder.path, 'outcome.json'), TrainOutcome);
}

export async function writeOutcome(folder: JobFolder, outcome: TrainOutcome): Promise<void> {
  await writeFileDurably(
    'trainer.outcome',
    join(folder.path, 'outcome.json'),
    canonicalJson(outcome),
  );
}

function cancelledFile({ path }: JobFolder): string {
  return join(path, 'cancelled.json');
}

/** Notes that a job is to end, whoever is left to end it. */
export async function fileCancel(folder: JobFolder): Promise<void> {
  await writeFileDurably('job.cancel', cancelledFile(folder), '{}');
}

export async function isCancelled(folder: JobFolder): Promise<boolean> {
  return stat(cancelledFile(folder)).then(
    () => true,
    () => false,
  );
}

/** The requests of jobs whose end has been asked for and is not there. */
export async function cancelledJobs(jobs: string): Promise<TrainRequest[]> {
  const found: TrainRequest[] = [];
  for (const run of await readdir(jobs))
    for (const step of await readdir(join(jobs, run))) {
      const folder = jobFolder(jobs, { run, step });
      if (!(await isCancelled(folder)) || (await readOutcome(folder)) !== undefined) continue;
      const request = await readRequest(folder);
      if (request !== undefined) found.push(request);
    }
  return found;
}

/** What the training program left, once it has ended. */
export async function readResult(folder: JobFolder): Promise<TrainingResult | undefined> {
  return readJson(folder.result, TrainingResult);
}
