import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../command.ts';
import { pinnedNatsVersion } from './go.ts';

/** sha256 of the pinned release's archives, as the official images of nats-server check them. */
const digests: Readonly<Record<string, string>> = {
  'linux-amd64': 'e314da74a83a1d3876db8814c27eb990fe729640fd6452025b441bcede8390da',
  'linux-arm64': 'da4b27942ecfb4c5f0c54553d2e7f470ddda9d7581cfe8131b351a0e223ed401',
};

/** Fetches the pinned release of nats-server and unpacks it; throws on another digest or platform. */
export async function downloadArchive(
  folder: string,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const target = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const digest = digests[target];
  if (digest === undefined) throw new Error(`no pinned archive for ${target}`);
  const name = `nats-server-v${pinnedNatsVersion}-${target}`;
  const url = `https://github.com/nats-io/nats-server/releases/download/v${pinnedNatsVersion}/${name}.tar.gz`;
  say(`downloading ${name}.tar.gz`);
  const bytes = await download(url, signal);
  const got = createHash('sha256').update(bytes).digest('hex');
  if (got !== digest) throw new Error(`sha256 of ${url} is ${got}, not ${digest}`);
  const archive = join(folder, 'archive.tar.gz');
  await writeFile(archive, bytes);
  await runCommand('tar', ['-xzf', archive, '-C', folder], { timeoutMs: 60_000, env, signal });
  return join(folder, name, 'nats-server');
}

async function download(url: string, signal: AbortSignal): Promise<Uint8Array> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(120_000)]);
  try {
    const response = await fetch(url, { signal: limit });
    if (!response.ok) throw new Error(`HTTP status ${String(response.status)}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    signal.throwIfAborted();
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(`${url}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause: error,
    });
  }
}
