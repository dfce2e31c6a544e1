/**
 * Finds a nats-server that is new enough, or fetches one without root. In this order: PATH → the cache → `go install` →
 * the release archive → a newer suite's Debian package. Whatever is found proves itself by `--version`.
 */
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { runCommand } from './command.ts';
import { downloadArchive } from './fetch/archive.ts';
import { cacheFolders, cachedName, keepInCache } from './fetch/cache.ts';
import { downloadPackage } from './fetch/debian.ts';
import { installWithGo } from './fetch/go.ts';
import { isAtLeast, minimumNatsVersion, readVersion } from './version.ts';

/** `say` is told one line for each thing that takes long. */
export interface FindOptions {
  env?: NodeJS.ProcessEnv;
  say?: (line: string) => void;
  signal?: AbortSignal;
}

type Search = Required<FindOptions>;

const sources: readonly { name: string; find: (search: Search) => Promise<string> }[] = [
  { name: 'PATH', find: findOnPath },
  { name: 'cache', find: findInCache },
  {
    name: 'go install',
    find: ({ env, say, signal }) =>
      keepInCache(env, (folder) => installWithGo(folder, env, say, signal), versionOf),
  },
  {
    name: 'release archive',
    find: ({ env, say, signal }) =>
      keepInCache(env, (folder) => downloadArchive(folder, env, say, signal), versionOf),
  },
  {
    name: 'Debian package',
    find: ({ env, say, signal }) =>
      keepInCache(env, (folder) => downloadPackage(folder, env, say, signal, versionOf), versionOf),
  },
];

/** The path of a nats-server of at least 2.10.23; the error lists every way that was tried and why it failed. */
export async function findNatsServer({
  env = process.env,
  say = () => undefined,
  signal = new AbortController().signal,
}: FindOptions = {}): Promise<string> {
  const reasons: string[] = [];
  for (const { name, find } of sources) {
    try {
      return await find({ env, say, signal });
    } catch (error) {
      signal.throwIfAborted();
      reasons.push(`  ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(
    `no nats-server ${minimumNatsVersion} or newer was found, and none could be fetched:\n${reasons.join('\n')}\n` +
      'Install one (https://nats.io/download) so that it is on PATH, or set NATS_URL to a running server with JetStream.',
  );
}

/** The version of a nats-server program; throws where it does not run or is too old. */
export async function versionOf(program: string): Promise<string> {
  const text = await runCommand(program, ['--version'], { timeoutMs: 10_000 });
  const version = readVersion(text);
  if (version === undefined) throw new Error(`${program} --version printed ${text.trim()}`);
  if (!isAtLeast(version, minimumNatsVersion)) {
    throw new Error(`${program} is ${version}, older than ${minimumNatsVersion}`);
  }
  return version;
}

/** Debian puts the server into /usr/sbin, which is not on every user's PATH. */
function findOnPath({ env }: Search): Promise<string> {
  const folders = [...(env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin'];
  return firstGood([...new Set(folders)].map((folder) => join(folder, 'nats-server')));
}

function findInCache({ env }: Search): Promise<string> {
  return firstGood(cacheFolders(env).map((folder) => join(folder, cachedName)));
}

async function firstGood(paths: readonly string[]): Promise<string> {
  const reasons: string[] = [];
  for (const path of paths) {
    try {
      await access(path, constants.X_OK);
    } catch {
      continue;
    }
    try {
      await versionOf(path);
      return path;
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(reasons.length === 0 ? 'none there' : reasons.join('; '));
}
