import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verifyCheckpoint } from '../../agents/trainer/checkpoint/publish.ts';
import { findProgram } from '../../agents/trainer/launch/program.ts';
import { connectBus } from '../../shared/bus/nats.ts';
import type { Directory } from '../../shared/bus/bus.ts';
import { canonicalJson, digestOf, sha256 } from '../../shared/contract/ids.ts';
import { TrainOutcome, type TrainRequest } from '../../shared/contract/steps.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { checkpointClient, readStream, trainerClient, unary } from '../../shared/rpc/client.ts';
import { CuratorService } from '../../shared/rpc/load.ts';
import { handleStream, serveRpc } from '../../shared/rpc/server.ts';
import { startNats } from '../support/nats.ts';
import { startRole, type RoleProcess } from '../support/role.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { colourRows } from '../support/training-rows.ts';

const tinylm = [
  process.execPath,
  fileURLToPath(new URL('../../shared/tinylm/main.js', import.meta.url)),
  'train',
];
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
const dataset = digestOf(manifest);

function request(steps: number, changes: Partial<TrainRequest> = {}): TrainRequest {
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
    dataset,
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

interface Scene {
  folder: string;
  checkpoints: string;
  directory: Directory;
  trainer(peer?: string): Promise<RoleProcess>;
}

let scene: Scene;
let closing: (() => PromiseLike<unknown>)[];

beforeEach(async () => {
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
  scene = {
    folder: folder.path,
    checkpoints: join(folder.path, 'checkpoints'),
    directory,
    trainer: async () => {
      const role = await startRole('trainer', {
        natsUrl: nats.url,
        peer: 'trainer-1',
        folder: folder.path,
        trainer: tinylm,
      });
      roles.push(role);
      return role;
    },
  };
  closing = [
    () => Promise.all(roles.map((role) => role[Symbol.asyncDispose]())),
    () => curator.close(),
    () => bus.close(),
    () => nats[Symbol.asyncDispose](),
    () => folder[Symbol.asyncDispose](),
  ];
});

afterEach(async () => {
  for (const close of closing) await close();
});

async function addressOf({ directory }: Scene, since: RoleProcess): Promise<string> {
  const ready = since.log.find((line) => line.includes('"msg":"ready"')) ?? '{}';
  const { grpc } = JSON.parse(ready) as { grpc: string };
  await expect
    .poll(async () => (await directory.peers()).some((peer) => peer.grpc === grpc))
    .toBe(true);
  return grpc;
}

/** Asks the trainer for a job. */
async function start(address: string, job: TrainRequest): Promise<void> {
  const client = trainerClient(address);
  await unary(
    client.startTrain.bind(client),
    { request: JSON.stringify(job) },
    { deadlineMs: 5000, signal },
  );
  client.close();
}

/** Watches a job to its outcome. */
async function outcomeAt(address: string, { run, step }: TrainRequest): Promise<TrainOutcome> {
  const client = trainerClient(address);
  for await (const { outcome } of readStream(() => client.watchTrain({ run, step }), { signal })) {
    if (outcome === undefined) continue;
    client.close();
    return TrainOutcome.parse(JSON.parse(outcome));
  }
  throw new Error('the stream ended without an outcome');
}

function jobFile(name: string): string {
  return join(scene.folder, 'trainer-1/jobs/trained/r1', name);
}

async function events(): Promise<string[]> {
  const text = await readFile(jobFile('progress.jsonl'), 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => /"event":"(\w+)"/.exec(line)?.[1] ?? []);
}

async function published(outcome: TrainOutcome): Promise<string> {
  if (outcome.outcome !== 'published') throw new Error(JSON.stringify(outcome));
  await verifyCheckpoint(scene.checkpoints, outcome.checkpoint);
  return outcome.checkpoint;
}

describe('a trainer', () => {
  test('carries a job to a published checkpoint, and serves its files from any offset', async () => {
    const address = await addressOf(scene, await scene.trainer());
    await start(address, request(5));
    await start(address, request(5));
    const checkpoint = await published(await outcomeAt(address, request(5)));
    const client = checkpointClient(address);
    const whole = await readFile(join(scene.checkpoints, checkpoint, 'model.safetensors'));
    const bytes: Buffer[] = [];
    const fetch = { checkpoint, path: 'model.safetensors', offset: 100 };
    for await (const { chunk } of readStream(() => client.fetch(fetch), { signal }))
      bytes.push(Buffer.from(chunk));
    client.close();
    expect(Buffer.concat(bytes).equals(whole.subarray(100))).toBe(true);
  });

  test('that is killed with -9 finds its program again and starts no second one; the checkpoint is that of an undisturbed job', async () => {
    const first = await scene.trainer();
    const job = request(800);
    await start(await addressOf(scene, first), job);
    await expect.poll(events, { timeout: 20_000 }).toContain('saved');
    first.kill('SIGKILL');
    await first.exited;
    expect(findProgram(jobFile('spec.json'))).toBeDefined();
    const address = await addressOf(scene, await scene.trainer());
    const disturbed = await published(await outcomeAt(address, job));
    expect((await events()).filter((event) => event === 'started')).toEqual(['started']);
    const again = { ...job, step: 'r2' };
    await start(address, again);
    expect(await published(await outcomeAt(address, again))).toBe(disturbed);
  });

  test('that is told to stop ends its program too, and the next one resumes the job', async () => {
    const first = await scene.trainer();
    const job = request(1500);
    await start(await addressOf(scene, first), job);
    await expect.poll(events, { timeout: 20_000 }).toContain('saved');
    first.kill('SIGTERM');
    expect(await first.exited).toBe(0);
    expect(findProgram(jobFile('spec.json'))).toBeUndefined();
    const address = await addressOf(scene, await scene.trainer());
    await published(await outcomeAt(address, job));
    expect(await events()).toContain('resumed');
  });

  test('starts a killed program again, which goes on from its own state', async () => {
    const address = await addressOf(scene, await scene.trainer());
    const job = request(1500);
    await start(address, job);
    await expect.poll(events, { timeout: 20_000 }).toContain('saved');
    process.kill(findProgram(jobFile('spec.json')) ?? 0, 'SIGKILL');
    await published(await outcomeAt(address, job));
    expect(await events()).toContain('resumed');
  });

  test('cancels a job and its program for good', async () => {
    const address = await addressOf(scene, await scene.trainer());
    await start(address, request(100_000));
    await expect.poll(events, { timeout: 20_000 }).toContain('saved');
    const client = trainerClient(address);
    await unary(
      client.cancelTrain.bind(client),
      { run: 'trained', step: 'r1' },
      { deadlineMs: 15_000, signal },
    );
    client.close();
    expect(findProgram(jobFile('spec.json'))).toBeUndefined();
    expect(await outcomeAt(address, request(100_000))).toMatchObject({
      outcome: 'failed',
      kind: 'cancelled',
    });
  });

  test('says which request is in the way when a step is asked for with another one, and which back-end it lacks', async () => {
    const address = await addressOf(scene, await scene.trainer());
    await start(address, request(5));
    await expect(start(address, request(6))).rejects.toThrow('started with another request');
    await expect(start(address, request(5, { step: 'r3', backend: 'deepspeed' }))).rejects.toThrow(
      'no back-end deepspeed',
    );
  });

  test('ends a job that cannot succeed with the program’s own words, and publishes nothing', async () => {
    const address = await addressOf(scene, await scene.trainer());
    const job = request(5, { from: { kind: 'folder', path: '/nowhere' } });
    await start(address, job);
    expect(await outcomeAt(address, job)).toMatchObject({ outcome: 'failed' });
    expect(await readdir(scene.checkpoints).catch(() => [])).toEqual([]);
  });
});
