import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Completed, Completion, ModelServer } from '../../agents/sampler/servers/driver.ts';
import { type CheckpointManifest, MANIFEST_FILE } from '../../shared/contract/checkpoint.ts';
import { TransientError } from '../../shared/contract/failure.ts';
import { canonicalJson, digestOf, sha256 } from '../../shared/contract/ids.ts';
import type { Random } from '../../shared/contract/random.ts';
import type { SimulatedClock } from './simulated-clock.ts';

/** Few, so that there are duplicate texts and ties. */
const TEXTS = ['Oslo', 'Paris', 'in Oslo', 'in Oslo and Paris'];

/**
 * A model server in simulated time: a text is a function of prompt and seed, as with the embedded engine. `outageRate` is the share of
 * completions that fail because the server is away.
 */
export function simulatedModel(
  clock: SimulatedClock,
  random: Random,
  outageRate: number,
): ModelServer {
  const served = new Set<string>();
  return {
    url: 'http://model',
    tolerance: 1e-3,
    ceiling: 448,
    holdsOne: false,
    queue: () => Promise.resolve(null),
    close: () => Promise.resolve(),
    served: () => Promise.resolve([...served].map((name) => ({ name, since: 0 }))),
    load: (name) => {
      served.add(name);
      return Promise.resolve();
    },
    complete: async ({ prompt, seed, temperature }: Completion, signal): Promise<Completed> => {
      await clock.sleep(random.next() * 400, signal);
      if (random.next() < outageRate) throw new TransientError('the model server is away');
      const drawn = sha256(`${prompt} ${temperature === 0 ? 'greedy' : seed}`);
      const text = TEXTS[Number.parseInt(drawn.slice(0, 8), 16) % TEXTS.length] ?? '';
      const told = { logprobs: null, pieces: null };
      return { outcome: 'generated', text, tokens: text.length, finish: 'stop', ...told };
    },
  };
}

/** Writes a published checkpoint without weights and returns its digest. */
export async function writeCheckpointStub(checkpoints: string): Promise<string> {
  const config = '{}';
  const manifest: CheckpointManifest = {
    files: [{ path: 'config.json', size: config.length, sha256: sha256(config) }],
    parent: null,
    dataset: null,
    training: null,
  };
  const folder = join(checkpoints, digestOf(manifest));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), config);
  await writeFile(join(folder, MANIFEST_FILE), canonicalJson(manifest));
  return digestOf(manifest);
}
