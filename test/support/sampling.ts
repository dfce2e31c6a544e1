import { join } from 'node:path';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { readLocal } from '../../agents/sampler/checkpoint/local.ts';
import { fill } from '../../agents/sampler/fill.ts';
import { createReplicas } from '../../agents/sampler/replicas.ts';
import { createServers } from '../../agents/sampler/servers/table.ts';
import { TransientError } from '../../shared/contract/failure.ts';
import { ServerProfile } from '../../shared/contract/peer.ts';
import type { Generation, SampleUnit } from '../../shared/contract/work.ts';
import {
  probeOf,
  startFakeEngine,
  type EngineName,
  type FakeEngine,
  type FakeEngineOptions,
} from './fake-engine.ts';
import { publish } from './published-checkpoint.ts';
import { servedNameOf } from './sampling-units.ts';
import { temporaryFolder } from './temporary-folder.ts';

const { signal } = new AbortController();

/** Disposes of it when the test has ended, the last one first. */
export function keep<TResource extends AsyncDisposable>(resource: TResource): TResource {
  onTestFinished(() => resource[Symbol.asyncDispose]());
  return resource;
}

/** A published checkpoint whose weights are called after `weights`, by default in a folder of its own; `adapter` is the config of its LoRA. */
export async function publishWeights(weights = 'aa weights', within?: string, adapter?: object) {
  const path = within ?? keep(await temporaryFolder()).path;
  const checkpoints = join(path, 'checkpoints');
  const files = {
    'config.json': JSON.stringify({ weights }),
    ...(adapter === undefined
      ? {}
      : { 'adapter/adapter_config.json': JSON.stringify({ weights, ...adapter }) }),
  };
  const checkpoint = await publish(checkpoints, files, probeOf(weights));
  return { path, checkpoints, checkpoint, weights };
}

export type Setup = Awaited<ReturnType<typeof publishWeights>>;

export async function serve(
  setup: Setup,
  options: Partial<FakeEngineOptions> = {},
): Promise<FakeEngine> {
  const { weights, checkpoint } = setup;
  return keep(
    await startFakeEngine({ engine: 'vllm', name: servedNameOf(checkpoint), weights, ...options }),
  );
}

/** As `openServers`, closed when the test has ended. */
export function drive(
  setup: Setup,
  driver: EngineName,
  url: string | readonly string[],
  extra = {},
) {
  const opened = openServers(setup, driver, url, extra);
  onTestFinished(async () => {
    await opened.close();
  });
  return opened;
}

/** What the sampler has of a profile with these servers; `path` holds its logs. */
export function openServers(
  { path, checkpoints }: Pick<Setup, 'path' | 'checkpoints'>,
  driver: EngineName,
  url: string | readonly string[],
  extra = {},
) {
  const profile = ServerProfile.parse({ driver, url, ...extra });
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  const servers = createServers('gpu', profile, { env: {}, state: path, log });
  const fetch = async (checkpoint: string) => {
    const local = await readLocal(checkpoints, checkpoint);
    if (local === undefined) throw new TransientError(`${checkpoint} is not there`);
    return local;
  };
  const replicas = createReplicas({ servers, fetch, log });
  const sample = async (unit: SampleUnit, generations = new Map<string, Generation>()) => {
    await replicas.prepare(unit, signal);
    await fill(unit, generations, replicas, () => undefined, signal);
    return unit.items.flatMap(({ requests }) =>
      requests.map(({ candidate }) => {
        const generation = generations.get(candidate);
        return generation?.outcome === 'generated' ? generation.text : generation?.reason;
      }),
    );
  };
  const close = () => Promise.all(servers.map((server) => server.close()));
  return { servers, replicas, sample, lines, close };
}
