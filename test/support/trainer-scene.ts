import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type JobProcess, processesOf } from '../../agents/trainer/launch/processes.ts';
import { verifyCheckpoint } from '../../agents/trainer/checkpoint/publish.ts';
import { connectBus } from '../../shared/bus/nats.ts';
import { canonicalJson, digestOf, sha256 } from '../../shared/contract/ids.ts';
import { TrainOutcome, type TrainRequest } from '../../shared/contract/steps.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { readStream, trainerClient, unary } from '../../shared/rpc/client.ts';
import { CuratorService } from '../../shared/rpc/load.ts';
import { handleStream, serveRpc } from '../../shared/rpc/server.ts';
import { startNats } from './nats.ts';
import { startRole, type RoleProcess } from './role.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { colourRows } from './training-rows.ts';

const log = createLogger('cli', 'test', 'silent');
const { signal } = new AbortController();

/** The dataset of all jobs here, as the curator of the run serves it. */
const shard = Buffer.from(
  colourRows(64)
    .map((row) => `${JSON.stringify(row)}\n`)
    .join(''),
);
const manifest = {
  files: [{ path: 'shard-00000.jsonl', size: shard.length, sha256: sha256(shard) }],
  rows: 64,
  byDataset: { colours: 64 },
};

/** A request for step r1 of the run `trained`; `changes` replace its keys. */
export function trainRequest(steps: number, changes: Partial<TrainRequest> = {}): TrainRequest {
  return {
    run: 'trained',
    step: 'r1',
    seed: 1,
    backend: 'tinylm',
    from: {
      kind: 'scratch',
      config: {
        hidden_size: 32,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        intermediate_size: 32,
      },
    },
    dataset: digestOf(manifest),
    dev: null,
    anchor: null,
    attempt: 0,
    training: {
      steps,
      batchSize: 8,
      learningRate: 1e-3,
      schedule: 'cosine',
      warmupRatio: 0,
      weightDecay: 0,
      saveEverySteps: 10,
      pick: 'last',
    },
    probe: ['What is the cat ?'],
    ...changes,
  };
}

/** A bus, a curator that serves one dataset, and trainers as processes, all of one folder. */
export interface TrainerScene extends AsyncDisposable {
  readonly folder: string;
  readonly checkpoints: string;
  /** Starts the trainer; one that is started again finds the folder of the one before. Returns when it answers. */
  trainer(options?: { env?: Record<string, string> }): Promise<RoleProcess>;
  /** The trainer that was started last, and its address. */
  current(): RoleProcess;
  address(): string;
  start(job: TrainRequest): Promise<void>;
  /** Watches a job to its outcome. */
  outcome(job: TrainRequest): Promise<TrainOutcome>;
  /** Has a job done, and returns its outcome. */
  train(job: TrainRequest): Promise<TrainOutcome>;
  cancel(job: TrainRequest): Promise<void>;
  /** A path in a job's folder. */
  file(name: string, step?: string): string;
  /** Names of the events in a job's `progress.jsonl`. */
  events(step?: string): Promise<string[]>;
  /** What each attempt at a job failed of; null for one that did not. */
  failures(step?: string): Promise<(string | null)[]>;
  /** All processes of a job on this machine. */
  processes(step?: string): JobProcess[];
  /** The digest of a published outcome whose checkpoint is whole. */
  published(outcome: TrainOutcome): Promise<string>;
}

export async function trainerScene(
  trainers: (folder: string) => Readonly<Record<string, object>>,
): Promise<TrainerScene> {
  const folder = await temporaryFolder();
  const nats = await startNats();
  const { bus, directory } = await connectBus({
    natsUrl: nats.url,
    role: 'cli',
    peer: 'test',
    ackWaitMs: 2000,
    log,
    signal,
  });
  await bus.declare();
  const curator = await serveRpc({
    host: '127.0.0.1',
    port: 0,
    log,
    add: (services) => {
      services.addService(CuratorService.service, {
        ReadDataset: handleStream(async function* () {
          yield { manifest: canonicalJson(manifest) };
          await Promise.resolve();
          yield { chunk: shard };
        }),
      });
    },
  });
  await directory.bind({
    run: 'trained',
    ledger: digestOf('ledger'),
    curator: 'curator-1',
    grpc: curator.address,
  });
  const roles: RoleProcess[] = [];
  const file = (name: string, step = 'r1'): string =>
    join(folder.path, 'trainer-1/jobs/trained', step, name);
  let address = '';
  const scene: TrainerScene = {
    folder: folder.path,
    checkpoints: join(folder.path, 'checkpoints'),
    current: () => {
      const role = roles.at(-1);
      if (role === undefined) throw new Error('no trainer was started');
      return role;
    },
    address: () => address,
    trainer: async ({ env = {} } = {}) => {
      const role = await startRole('trainer', {
        natsUrl: nats.url,
        peer: 'trainer-1',
        folder: folder.path,
        trainers: trainers(folder.path),
        env,
      });
      roles.push(role);
      const ready = role.log.find((line) => line.includes('"msg":"ready"')) ?? '{}';
      ({ grpc: address } = JSON.parse(ready) as { grpc: string });
      return role;
    },
    start: async (job) => {
      const client = trainerClient(address);
      const request = { request: JSON.stringify(job) };
      try {
        await unary(client.startTrain.bind(client), request, { deadlineMs: 5000, signal });
      } finally {
        client.close();
      }
    },
    outcome: async ({ run, step }) => {
      const client = trainerClient(address);
      try {
        const messages = readStream(() => client.watchTrain({ run, step }), { signal });
        for await (const { outcome } of messages)
          if (outcome !== undefined) return TrainOutcome.parse(JSON.parse(outcome));
      } finally {
        client.close();
      }
      throw new Error('the stream ended without an outcome');
    },
    train: async (job) => {
      await scene.start(job);
      return scene.outcome(job);
    },
    cancel: async ({ run, step }) => {
      const client = trainerClient(address);
      try {
        await unary(client.cancelTrain.bind(client), { run, step }, { deadlineMs: 10_000, signal });
      } finally {
        client.close();
      }
    },
    file,
    events: async (step) => {
      const text = await readFile(file('progress.jsonl', step), 'utf8').catch(() => '');
      return text.split('\n').flatMap((line) => /"event":"(\w+)"/.exec(line)?.[1] ?? []);
    },
    failures: async (step) => {
      const text = await readFile(file('attempts.json', step), 'utf8');
      const list = JSON.parse(text) as { failure: { class: string } | null }[];
      return list.map(({ failure }) => failure?.class ?? null);
    },
    processes: (step) => processesOf(file('spec.json', step)),
    published: async (outcome) => {
      if (outcome.outcome !== 'published') throw new Error(JSON.stringify(outcome));
      await verifyCheckpoint(scene.checkpoints, outcome.checkpoint);
      return outcome.checkpoint;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(roles.map((role) => role[Symbol.asyncDispose]()));
      await curator.close();
      await bus.close();
      await nats[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
  return scene;
}
