import { join } from 'node:path';
import { PermanentError } from '../../../shared/contract/failure.ts';
import type { ServerProfile } from '../../../shared/contract/peer.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { dialects } from './dialects.ts';
import type { ModelServer } from './driver.ts';
import { createEngine, listed } from './engine.ts';
import { createClient, type ServerAddress } from './openai.ts';
import { createChildSwitch } from './switch/child.ts';
import { createCommandSwitch } from './switch/command.ts';
import { createDiskSwitch } from './switch/disk.ts';
import { createLoraSwitch } from './switch/lora.ts';
import { createNoSwitch } from './switch/none.ts';
import { createReloadSwitch } from './switch/reload.ts';
import type { Switch } from './switch/switch.ts';
import { createTinylmServer } from './tinylm.ts';
import { createTransformersServer } from './transformers.ts';

export interface ServersDeps {
  /** Where keys are read from. */
  env: Readonly<Record<string, string | undefined>>;
  /** The peer's own folder, for the logs of servers that it starts. */
  state: string;
  log: Logger;
}

/** The servers of a profile, one for each of its addresses. Throws PermanentError where it names a variable that is not set. */
export function createServers(
  name: string,
  profile: ServerProfile,
  { env, state, log }: ServersDeps,
): ModelServer[] {
  const { driver, url, keyVariable } = profile;
  const key = keyVariable === undefined ? undefined : env[keyVariable];
  if (keyVariable !== undefined && key === undefined)
    throw new PermanentError(
      `the environment variable ${keyVariable}, the key of ${url.join(', ')}, is unset`,
    );
  return url.map((url, i) => {
    const address = { url, key };
    if (driver === 'tinylm') return createTinylmServer(address);
    const file = join(state, 'servers', `${name}-${i}.log`);
    if (driver === 'transformers')
      return createTransformersServer(
        address,
        profile.switch?.by === 'child' ? { ...profile.switch, log: file } : undefined,
      );
    const note = (line: string): void => log.info({ server: url, line }, 'switching');
    return createEngine(
      address,
      dialects[driver],
      createSwitch(address, profile, { log: file, note }),
    );
  });
}

function createSwitch(
  address: ServerAddress,
  { driver, switch: by }: Pick<ServerProfile, 'driver' | 'switch'>,
  { log, note }: { log: string; note: (line: string) => void },
): Switch {
  const { url } = address;
  if (by === undefined) return createNoSwitch(url);
  const client = createClient(address);
  const models = (signal: AbortSignal) => listed(client, signal);
  switch (by.by) {
    case 'command':
      return createCommandSwitch({ ...by, url, listed: models, note });
    case 'child':
      return createChildSwitch({ ...by, url, listed: models, log });
    case 'lora':
      return createLoraSwitch(client, note);
    case 'disk':
      return driver === 'vllm'
        ? createReloadSwitch(client, address)
        : createDiskSwitch(client, address);
  }
}
