import { join } from 'node:path';
import { fromCallback, fromPromise } from 'xstate';
import type { Directory } from '../../shared/bus/bus.ts';
import { PermanentError, TransientError } from '../../shared/contract/failure.ts';
import { canonicalJson } from '../../shared/contract/ids.ts';
import type { TrainRequest } from '../../shared/contract/steps.ts';
import { TrainingSpec, type TrainingEvent } from '../../shared/contract/training.ts';
import type { Clock } from '../../shared/process/clock.ts';
import type { Environment } from '../../shared/process/environment.ts';
import { writeFileDurably } from '../../shared/process/files.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { trainingLossGauge, trainingStepGauge } from '../../shared/process/metrics.ts';
import { curatorClient, readStream } from '../../shared/rpc/client.ts';
import { datasetFiles, fetchDataset, hasDataset } from './job/dataset.ts';
import { jobFolder, readOutcome, readResult, writeOutcome, type JobFolder } from './job/folder.ts';
import { publishResult } from './job/publish.ts';
import { ProgressReader } from './launch/progress.ts';
import { findProgram, launchProgram } from './launch/program.ts';
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

const LOOK_EVERY_MS = 200;

/** Wires the machine of a job to its folder, the process table and the curator. */
export function createJob(deps: JobDeps): typeof jobMachine {
  const folderOf = (request: TrainRequest): JobFolder =>
    jobFolder(join(deps.environment.state, 'jobs'), request);
  return jobMachine.provide({
    actors: {
      inspect: fromPromise(async ({ input }: Job) => inspect(folderOf(input), input)),
      fetch: fromPromise(async ({ input, signal }: Job) => {
        await fetch(deps, folderOf(input), input, signal);
      }),
      launch: fromPromise(async ({ input }: Job) => {
        await launch(deps, folderOf(input), input);
      }),
      watch: fromCallback<JobEvent, TrainRequest>(({ input, sendBack }) => {
        const stop = new AbortController();
        watch(deps, folderOf(input), input, sendBack, stop.signal).catch((error: unknown) => {
          if (!stop.signal.aborted) sendBack({ type: 'watch.broke', error });
        });
        return () => {
          stop.abort();
        };
      }),
      publish: fromPromise(async ({ input }: Job) => {
        const outcome = await publishResult(deps.environment.checkpoints, folderOf(input), input);
        await writeOutcome(folderOf(input), outcome);
        deps.log.info({ run: input.run, step: input.step, ...outcome }, 'job ended');
      }),
      giveUp: fromPromise(
        async ({ input }: { input: { request: TrainRequest; reason: string } }) => {
          await writeOutcome(folderOf(input.request), {
            outcome: 'failed',
            kind: 'died',
            reason: input.reason,
          });
        },
      ),
    },
  });
}

async function inspect(folder: JobFolder, { dev }: TrainRequest): Promise<JobFacts> {
  const events = await new ProgressReader(folder.progress).read();
  return {
    outcome: await readOutcome(folder),
    result: await readResult(folder),
    program: findProgram(folder.spec),
    hasDataset:
      (await hasDataset(folder.dataset)) && (dev === null || (await hasDataset(folder.dev))),
    step: events.findLast((event) => event.event === 'step')?.step ?? 0,
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

async function launch(
  { environment }: JobDeps,
  folder: JobFolder,
  request: TrainRequest,
): Promise<void> {
  const profile = environment.profiles.trainers[request.backend];
  if (profile === undefined)
    throw new PermanentError(`no trainer profile named ${request.backend}`);
  const spec: TrainingSpec = TrainingSpec.parse({
    version: 1,
    job: `${request.run}-${request.step}`,
    seed: request.seed,
    model: modelOf(request, environment.checkpoints),
    anchor: request.anchor === null ? null : join(environment.checkpoints, request.anchor),
    data: {
      train: await datasetFiles(folder.dataset),
      dev: request.dev === null ? [] : await datasetFiles(folder.dev),
    },
    output: folder.output,
    training: request.training,
    probe: request.probe,
  });
  await writeFileDurably('trainer.spec', folder.spec, canonicalJson(spec));
  await launchProgram(profile.command, folder.spec, folder.log);
}

function modelOf({ from }: TrainRequest, checkpoints: string): TrainingSpec['model'] {
  switch (from.kind) {
    case 'checkpoint':
      return { from: join(checkpoints, from.checkpoint) };
    case 'folder':
      return { from: from.path };
    case 'scratch':
      return { from: null, config: from.config };
  }
}

async function watch(
  { clock }: JobDeps,
  folder: JobFolder,
  { step }: TrainRequest,
  sendBack: (event: JobEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const reader = new ProgressReader(folder.progress);
  for (;;) {
    const running = findProgram(folder.spec) !== undefined;
    const last = (await reader.read()).findLast((event) => event.event === 'step');
    if (last !== undefined) tell(last, step, sendBack);
    if (!running) {
      sendBack({ type: 'program.ended' });
      return;
    }
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

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
