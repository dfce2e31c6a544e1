import { PermanentError } from '../../shared/contract/failure.ts';

/** Options of a judge from a command line, each `key=value`; true, false and numbers are read as such. Throws PermanentError for another form. */
export function readSettings(settings: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(settings.map(readSetting));
}

function readSetting(setting: string): [string, unknown] {
  const [, key, text] = /^([^=]+)=(.*)$/s.exec(setting) ?? [];
  if (key === undefined || text === undefined)
    throw new PermanentError(`--set ${setting}: write key=value`);
  const isLiteral = /^(true|false|-?\d+(\.\d+)?)$/.test(text);
  return [key, isLiteral ? JSON.parse(text) : text];
}
