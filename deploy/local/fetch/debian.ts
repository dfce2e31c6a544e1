/**
 * On Debian and its relatives the archive that apt already trusts holds a new enough nats-server in a newer suite. It is
 * downloaded with an apt configuration and a state folder of our own and unpacked: no root, and nothing is installed.
 */
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../command.ts';
import { type AptSource, readOneLineSources, readStanzaSources, stanzaOf } from './apt-sources.ts';

/** Names that an archive gives its newer releases whatever they are called, oldest first. */
const newerSuites = ['stable', 'testing', 'unstable', 'devel'];

/** Downloads nats-server from the oldest newer suite whose program passes `verify`; throws with each suite's reason. */
export async function downloadPackage(
  folder: string,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
  signal: AbortSignal,
  verify: (path: string) => Promise<unknown>,
): Promise<string> {
  const run = (program: string, args: readonly string[], cwd = folder): Promise<string> =>
    runCommand(program, args, {
      timeoutMs: 180_000,
      env: { ...env, APT_CONFIG: join(folder, 'apt.conf'), LC_ALL: 'C' },
      cwd,
      signal,
    });
  const source = pickSource(await readSources(env, signal), await codenames());
  const acquire = await runCommand('apt-config', ['dump', 'Acquire'], {
    timeoutMs: 10_000,
    env,
    signal,
  });
  await writeConfig(folder, acquire);
  const reasons: string[] = [];
  for (const suite of newerSuites) {
    try {
      say(`downloading Debian's package nats-server of suite ${suite} (unpacked, not installed)`);
      await writeFile(join(folder, 'parts/suite.sources'), stanzaOf(source, suite));
      await run('apt-get', ['update', '-q']);
      const into = join(folder, suite);
      await mkdir(into);
      await run('apt-get', ['download', '-q', 'nats-server'], into);
      const [file = ''] = await readdir(into);
      await run('dpkg-deb', ['-x', join(into, file), into]);
      const program = join(into, 'usr/sbin/nats-server');
      await verify(program);
      return program;
    } catch (error) {
      signal.throwIfAborted();
      reasons.push(`${suite}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(reasons.join('; '));
}

/** The source that this system's own release comes from, since its mirror has the newer suites as well. */
export function pickSource(sources: readonly AptSource[], releases: readonly string[]): AptSource {
  const own = sources.find(
    ({ suites, components, uri }) =>
      suites.some((suite) => releases.includes(suite) || newerSuites.includes(suite)) &&
      components.includes('main') &&
      !uri.startsWith('cdrom:'),
  );
  if (own === undefined) {
    throw new Error(`apt has no source for ${releases.join(' or ') || 'this release'}`);
  }
  return own;
}

async function readSources(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<AptSource[]> {
  const shell = await runCommand(
    'apt-config',
    ['shell', 'LIST', 'Dir::Etc::sourcelist/f', 'PARTS', 'Dir::Etc::sourceparts/d'],
    { timeoutMs: 10_000, env, signal },
  );
  const list = /LIST='([^']*)'/.exec(shell)?.[1] ?? '';
  const parts = /PARTS='([^']*)'/.exec(shell)?.[1] ?? '';
  const names = (await readdir(parts).catch((): string[] => [])).sort();
  const files = [list, ...names.map((name) => join(parts, name))];
  const sources: AptSource[] = [];
  for (const file of files) {
    if (!/\.(list|sources)$/.test(file)) continue;
    const text = await readFile(file, 'utf8').catch(() => '');
    sources.push(...(file.endsWith('.list') ? readOneLineSources(text) : readStanzaSources(text)));
  }
  return sources;
}

/** The release's own name and, on a derived system, that of the one it was built from. */
async function codenames(): Promise<string[]> {
  const text = await readFile('/etc/os-release', 'utf8');
  const names = [...text.matchAll(/^(?:VERSION|DEBIAN|UBUNTU)_CODENAME="?([a-z]+)"?$/gm)];
  return [...new Set(names.map((match) => match[1] ?? ''))];
}

/**
 * `APT_CONFIG` is read before the system's files, whose hooks would then run, so those are switched off and only the
 * system's `Acquire` settings (proxies, certificates) are carried over.
 */
async function writeConfig(folder: string, acquire: string): Promise<void> {
  for (const name of ['parts', 'lists/partial', 'cache/archives/partial', 'state']) {
    await mkdir(join(folder, name), { recursive: true });
  }
  await writeFile(join(folder, 'status'), '');
  const lines = [
    acquire,
    'Dir::Etc::parts "/dev/null";',
    'Dir::Etc::main "/dev/null";',
    'Dir::Etc::sourcelist "/dev/null";',
    `Dir::Etc::sourceparts "${join(folder, 'parts')}";`,
    `Dir::State "${join(folder, 'state')}";`,
    `Dir::State::lists "${join(folder, 'lists')}";`,
    `Dir::State::status "${join(folder, 'status')}";`,
    `Dir::Cache "${join(folder, 'cache')}";`,
    'Acquire::Languages "none";',
    'Acquire::Retries "0";',
    'Acquire::http::Timeout "15";',
    'Acquire::https::Timeout "15";',
    'APT::Update::Error-Mode "any";',
    'APT::Sandbox::User "";',
  ];
  await writeFile(join(folder, 'apt.conf'), `${lines.join('\n')}\n`, { mode: 0o600 });
}
