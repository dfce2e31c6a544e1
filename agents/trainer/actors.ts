import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fromCallback, fromPromise } from 'xstate';
import type { Directory } from '../../shared/bus/bus.ts';
import { PermanentError, TransientError } from '../../shared/contract/failure.ts';
import type { TrainRequest } from '../../shared/contract/steps.ts';
import type { TrainerProfile } from '../../shared/contract/trainer-profile.ts';
import type { TrainingEvent } from '../../shared/contract/training.ts';
import type { Clock } from '../../shared/process/clock.ts';
import type { Environment } from '../../shared/process/environment.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { trainingLossGauge, trainingStepGauge } from '../../shared/process/metrics.ts';
import { curatorClient, readStream } from '../../shared/rpc/client.ts';
import { closeAttempt, fileAttempt, launchOf, modelOf } from './job/attempt.ts';
import { openAttempt, readAttempts } from './job/attempts.ts';
import { fetchDataset, hasDataset } from './job/dataset.ts';
import {
  isCancelled,
  jobFolder,
  readOutcome,
  tidyJob,
  writeOutcome,
  type JobFolder,
} from './job/folder.ts';
import { publishResult } from './job/publish.ts';
import type { Exit, Launcher } from './launch/launcher.ts';
import { launcherOf } from './launch/launchers.ts';
import { problemsBefore } from './launch/preflight.ts';
import { ProgressReader } from './launch/progress.ts';
import { jobMachine, type JobEvent, type JobFacts } from './machine.ts';

export interface JobDeps {
  environment: Environment;
  directory: Directory;
  clock: Clock;
  log: Logger;
}

interface Job {
  input: TrainRequest;
  signal: AbortSignal;
}

interface Planned {
  request: TrainRequest;
  microBatch: number | null;
}

/** Wires the machine of a job to its folder, its launcher and the curator. */
export function createJob(deps: JobDeps): typeof jobMachine {
  const { environment } = deps;
  const folderOf = (request: TrainRequest): JobFolder =>
    jobFolder(join(environment.state, 'jobs'), request);
  let launcher: Launcher | undefined;
  const launcherFor = (request: TrainRequest): Launcher =>
    (launcher ??= launcherOf(profileOf(environment, request)));
  return jobMachine.provide({
    actors: {
      inspect: fromPromise(async ({ input }: Job) => inspect(folderOf(input), input, launcherFor)),
      fetch: fromPromise(async ({ input, signal }: Job) => {
        await fetch(deps, folderOf(input), input, signal);
      }),
      launch: fromPromise(async ({ input, signal }: { input: Planned; signal: AbortSignal }) =>
        launch(deps, folderOf(input.request), input, launcherFor(input.request), signal),
      ),
      watch: fromCallback<JobEvent, TrainRequest>(({ input, sendBack }) => {
        const stop = new AbortController();
        watch(deps, input, launcherFor(input), sendBack, stop.signal).catch((error: unknown) => {
          if (!stop.signal.aborted) sendBack({ type: 'watch.broke', error });
        });
        return () => {
          stop.abort();
        };
      }),
      close: fromPromise(
        async ({ input }: { input: { request: TrainRequest; ending: Exit | 'stalled' } }) =>
          closeAttempt(folderOf(input.request), input.ending),
      ),
      publish: fromPromise(async ({ input }: Job) => {
        const outcome = await publishResult(environment.checkpoints, folderOf(input), input);
        await writeOutcome(folderOf(input), outcome);
        if (outcome.outcome === 'published') await tidyJob(folderOf(input));
        deps.log.info({ run: input.run, step: input.step, ...outcome }, 'job ended');
      }),
      cancel: fromPromise(async ({ input }: Job) => {
        const folder = folderOf(input);
        // Published before it was heard: the outcome stands.
        if ((await readOutcome(folder)) !== undefined) return;
        const open = openAttempt(await readAttempts(folder));
        if (open !== undefined) await launcherFor(input).cancel(launchOf(folder, open));
        const reason = 'cancelled by the user';
        await writeOutcome(folder, { outcome: 'failed', kind: 'cancelled', reason });
      }),
      giveUp: fromPromise(
        async ({
          input,
        }: {
          input: { request: TrainRequest; end: { kind: string; reason: string } };
        }) => {
          await writeOutcome(folderOf(input.request), { outcome: 'failed', ...input.end });
        },
      ),
    },
  });
}

/** Throws PermanentError where this trainer has no such back-end. */
export function profileOf({ profiles }: Environment, { backend }: TrainRequest): TrainerProfile {
  const profile = profiles.trainers[backend];
  if (profile === undefined) throw new PermanentError(`this trainer has no back-end ${backend}`);
  return profile;
}

async function inspect(
  folder: JobFolder,
  request: TrainRequest,
  launcherFor: (request: TrainRequest) => Launcher,
): Promise<JobFacts> {
  const outcome = await readOutcome(folder);
  const attempts = await readAttempts(folder);
  const open = outcome === undefined ? openAttempt(attempts) : undefined;
  return {
    outcome,
    cancelled: await isCancelled(folder),
    attempts,
    sighting:
      open === undefined
        ? { state: 'absent' }
        : await launcherFor(request).look(launchOf(folder, open)),
    hasDataset:
      (await hasDataset(folder.dataset)) &&
      (request.dev === null || (await hasDataset(folder.dev))),
  };
}

async function fetch(
  { directory, environment }: JobDeps,
  folder: JobFolder,
  { run, dataset, dev }: TrainRequest,
  signal: AbortSignal,
): Promise<void> {
  const binding = await directory.binding(run);
  if (binding === undefined) throw new TransientError(`run ${run} has no curator on the bus`);
  const client = curatorClient(binding.grpc, environment.tls);
  try {
    for (const [digest, target] of [
      [dataset, folder.dataset],
      [dev, folder.dev],
    ] as const) {
      if (digest === null || (await hasDataset(target))) continue;
      const parts = readStream(() => client.readDataset({ dataset: digest, offset: 0 }), {
        signal,
      });
      await fetchDataset(parts, digest, target);
    }
  } finally {
    client.close();
  }
}

/** Checks the machine, then files and submits the next attempt. Returns what hinders it; submits only where nothing does. */
async function launch(
  { environment }: JobDeps,
  folder: JobFolder,
  { request, microBatch }: Planned,
  launcher: Launcher,
  signal: AbortSignal,
): Promise<string[]> {
  const { checkpoints } = environment;
  await mkdir(checkpoints, { recursive: true });
  const problems = await problemsBefore({
    profile: profileOf(environment, request),
    launcher,
    model: modelOf(request, checkpoints).from,
    chat: request.chat,
    folders: [folder.path, checkpoints],
  });
  if (problems.length > 0) return problems;
  try {
    const attempt = await fileAttempt(folder, request, checkpoints, microBatch);
    if (!signal.aborted) await launcher.submit(attempt);
    // Who cancelled or stopped the job meanwhile found nothing to end.
    if (signal.aborted) await launcher.cancel(attempt);
    return [];
  } catch (error) {
    if (error instanceof PermanentError) return [error.message];
    throw error;
  }
}

/** Follows an attempt to its end: that of its program, of its launcher, or of the watchdog's patience, which looks at progress alone. */
async function watch(
  { clock, environment }: JobDeps,
  request: TrainRequest,
  launcher: Launcher,
  sendBack: (event: JobEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const folder = jobFolder(join(environment.state, 'jobs'), request);
  const open = openAttempt(await readAttempts(folder));
  if (open === undefined) throw new Error('nothing was launched: routing is wrong');
  const attempt = launchOf(folder, open);
  const { stallMs } = profileOf(environment, request);
  const reader = new ProgressReader(folder.progress);
  let moved = clock.now();
  let seen = clock.now();
  for (;;) {
    const sighting = await launcher.look(attempt);
    const events = await reader.read();
    const last = events.findLast((event) => event.event === 'step');
    if (last !== undefined) tell(last, request.step, sendBack);
    const now = clock.now();
    if (sighting.state !== 'absent') seen = now;
    if (events.length > 0 || sighting.state === 'queued') moved = now;
    const ending =
      sighting.state === 'ended'
        ? sighting.exit
        : sighting.state === 'absent' && now - seen >= launcher.absentMs
          ? LOST
          : undefined;
    const stalled = sighting.state === 'running' && now - moved >= stallMs;
    if (stalled && !signal.aborted) await launcher.cancel(attempt);
    if (ending !== undefined || stalled) {
      sendBack({ type: 'program.ended', ending: ending ?? 'stalled' });
      return;
    }
    await clock.sleep(launcher.pollMs, signal);
  }
}

const LOST: Exit = {
  code: null,
  class: 'launcher-lost',
  reason: 'its launcher does not know it any more',
};

function tell(
  { step: at, steps: of, loss, tokensPerSecond }: Extract<TrainingEvent, { event: 'step' }>,
  step: string,
  sendBack: (event: JobEvent) => void,
): void {
  trainingStepGauge.set(at);
  trainingLossGauge.set(loss);
  sendBack({
    type: 'progress.made',
    progress: { step, phase: 'training', at, of, loss, tokensPerSecond },
  });
}
