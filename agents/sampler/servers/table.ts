import { PermanentError } from '../../../shared/contract/failure.ts';
import type { Profiles } from '../../../shared/contract/peer.ts';
import type { ModelServer } from './driver.ts';
import { createOpenAiServer, type ServerAddress } from './openai.ts';
import { createTinylmServer } from './tinylm.ts';

type ServerProfile = Profiles['servers'][string];

const drivers: Record<ServerProfile['driver'], (address: ServerAddress) => ModelServer> = {
  openai: createOpenAiServer,
  tinylm: createTinylmServer,
};

/** The driver of a profile; its key is read from `env`. Throws PermanentError where the profile names a variable that is not set. */
export function createServer(
  { driver, url, keyVariable }: ServerProfile,
  env: Readonly<Record<string, string | undefined>>,
): ModelServer {
  const key = keyVariable === undefined ? undefined : env[keyVariable];
  if (keyVariable !== undefined && key === undefined)
    throw new PermanentError(
      `the environment variable ${keyVariable}, the key of ${url}, is unset`,
    );
  return drivers[driver]({ url, key });
}
