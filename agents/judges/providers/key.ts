import { StopError } from '../stop.ts';

/** The key of a provider from the variable that its profile names; undefined where it names none. No message shows any of it. */
export function readKey(
  variable: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (variable === undefined) return undefined;
  const key = env[variable]?.trim() ?? '';
  if (key === '')
    throw new StopError(
      `no key: set the environment variable ${variable} of this peer, or take keyVariable out of the profile`,
    );
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new StopError(
      `the key in the environment variable ${variable} has characters that no key has: copy it again`,
    );
  return key;
}
