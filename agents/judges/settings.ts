import { PermanentError } from '../../shared/contract/failure.ts';
import { Id } from '../../shared/contract/ids.ts';
import type { Profiles } from '../../shared/contract/peer.ts';
import { readProfiles } from '../../shared/process/environment.ts';

/** A judge as a command line asks for it. */
export interface Settings {
  readonly options: Readonly<Record<string, unknown>>;
  readonly profiles: Profiles;
}

/**
 * Options of a judge, each `key=value` with true, false and numbers read as such, and the profiles of a file, by default of RESET_PROFILES.
 * `nli` may be a URL or a folder where a run file names a profile: whoever calls may use what is on this machine. Throws PermanentError for
 * another form.
 */
export function readSettings(settings: readonly string[], file: string | undefined): Settings {
  const options = Object.fromEntries(settings.map(readSetting));
  const profiles = readProfiles(file ?? process.env['RESET_PROFILES']);
  const { nli } = options;
  if (typeof nli !== 'string' || Id.safeParse(nli).success) return { options, profiles };
  const given = /^https?:/.test(nli) ? { url: nli } : { folder: nli };
  return {
    options: { ...options, nli: 'given' },
    profiles: { ...profiles, nli: { ...profiles.nli, given } },
  };
}

function readSetting(setting: string): [string, unknown] {
  const [, key, text] = /^([^=]+)=(.*)$/s.exec(setting) ?? [];
  if (key === undefined || text === undefined)
    throw new PermanentError(`--set ${setting}: write key=value`);
  const isLiteral = /^(true|false|-?\d+(\.\d+)?)$/.test(text);
  return [key, isLiteral ? JSON.parse(text) : text];
}
