import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { fetchCheckpoint } from '../../agents/sampler/checkpoint/fetch.ts';
import { checkpointService } from '../../agents/trainer/checkpoint/service.ts';
import { GoneError, PermanentError, TransientError } from '../../shared/contract/failure.ts';
import { canonicalJson } from '../../shared/contract/ids.ts';
import { randomFrom } from '../../shared/contract/random.ts';
import { CheckpointService } from '../../shared/rpc/load.ts';
import { serveRpc } from '../../shared/rpc/server.ts';
import { publish } from '../support/published-checkpoint.ts';
import { SimulatedBroker } from '../support/simulated-broker.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';
import { connectPeer } from '../support/simulated-peer.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const { signal } = new AbortController();
const log = pino({ level: 'silent' });
const probe = [{ prompt: 'Where?', tokens: [1], text: ' Oslo', logprobs: [-1] }];
const weights = 'w'.repeat(3_000_000);

function keep<TResource extends AsyncDisposable>(resource: TResource): TResource {
  onTestFinished(() => resource[Symbol.asyncDispose]());
  return resource;
}

/** A trainer that serves one checkpoint, and the empty folder of a sampler that does not see it. */
async function start() {
  const folder = keep(await temporaryFolder()).path;
  const served = join(folder, 'trainer');
  const checkpoint = await publish(
    served,
    { 'adapter/adapter_config.json': '{}', 'config.json': '{}', 'model.safetensors': weights },
    probe,
  );
  const rpc = await serveRpc({
    host: '127.0.0.1',
    port: 0,
    log,
    add: (services) => {
      services.addService(CheckpointService.service, checkpointService(served));
    },
  });
  onTestFinished(() => rpc.close());
  const clock = keep(new SimulatedClock());
  const faults = { maxLatencyMs: 0, lossRate: 0 };
  const random = randomFrom(1, 'fetch');
  const { bus, directory } = connectPeer(
    new SimulatedBroker({ clock, random, ackWaitMs: 1000, faults }),
  );
  await bus.declare();
  const appear = () =>
    directory.appear({
      peer: 'trainer-1',
      role: 'trainer',
      grpc: rpc.address,
      http: 'http://127.0.0.1:1',
      offers: [],
    });
  const checkpoints = join(folder, 'sampler');
  const deps = { directory, checkpoints, peer: 'sampler-1', log };
  return { served, checkpoints, checkpoint, deps, appear };
}

test('a checkpoint that is not on this machine is fetched from the trainer that has it', async () => {
  const { checkpoints, checkpoint, deps, appear } = await start();
  await appear();
  const folder = join(checkpoints, checkpoint);
  expect(await fetchCheckpoint(checkpoint, deps, signal)).toEqual({
    folder,
    probe,
    parent: null,
    parentProbe: [],
  });
  expect(await readFile(join(folder, 'model.safetensors'), 'utf8')).toBe(weights);
  expect(await readFile(join(folder, 'adapter/adapter_config.json'), 'utf8')).toBe('{}');
  expect(await readdir(checkpoints)).toEqual([checkpoint]);
});

test('a fetch that was killed goes on where it stood', async () => {
  const { checkpoints, checkpoint, deps, appear } = await start();
  await appear();
  const staging = join(checkpoints, `.fetch-sampler-1-${checkpoint}`);
  await mkdir(staging, { recursive: true });
  await writeFile(join(staging, 'model.safetensors'), weights.slice(0, 1_234_567));
  await fetchCheckpoint(checkpoint, deps, signal);
  const fetched = await readFile(join(checkpoints, checkpoint, 'model.safetensors'), 'utf8');
  expect(fetched).toBe(weights);
});

test('a file whose bytes are wrong is never published, and fetched whole the next time', async () => {
  const { checkpoints, checkpoint, deps, appear } = await start();
  await appear();
  const staging = join(checkpoints, `.fetch-sampler-1-${checkpoint}`);
  await mkdir(staging, { recursive: true });
  await writeFile(join(staging, 'model.safetensors'), 'x'.repeat(1000));
  await expect(fetchCheckpoint(checkpoint, deps, signal)).rejects.toThrow(
    /model.safetensors came damaged/,
  );
  await fetchCheckpoint(checkpoint, deps, signal);
});

test('without a trainer that has it, the sampler waits and says what to do', async () => {
  const { checkpoint, deps, appear } = await start();
  const alone = fetchCheckpoint(checkpoint, deps, signal);
  await expect(alone).rejects.toThrow(TransientError);
  await expect(alone).rejects.toThrow(/none is there.*share the folder, or start the trainer/);
  await appear();
  await expect(fetchCheckpoint('f'.repeat(64), deps, signal)).rejects.toThrow(/trainer-1: /);
});

test('one that its run has released is gone, here and at the trainer that had it', async () => {
  const { served, checkpoint, deps, appear } = await start();
  await appear();
  await writeFile(
    join(served, checkpoint, 'removed.json'),
    canonicalJson({ run: 'one', round: 2 }),
  );
  for (const checkpoints of [served, deps.checkpoints]) {
    const fetched = fetchCheckpoint(checkpoint, { ...deps, checkpoints }, signal);
    await expect(fetched).rejects.toThrow(GoneError);
    await expect(fetched).rejects.toThrow('was removed after round 2 of run one');
  }
});

test('a folder that was changed is refused with what to do', async () => {
  const { served, checkpoint, deps } = await start();
  const local = { ...deps, checkpoints: served };
  await appendFile(join(served, checkpoint, 'model.safetensors'), 'x');
  await expect(fetchCheckpoint(checkpoint, local, signal)).rejects.toThrow(PermanentError);
  await expect(fetchCheckpoint(checkpoint, local, signal)).rejects.toThrow(/3000000 bytes/);
  await writeFile(join(served, checkpoint, 'manifest.json'), '{}');
  await expect(fetchCheckpoint(checkpoint, local, signal)).rejects.toThrow(/cannot be read/);
});
