import { join } from 'node:path';
import { runCommand } from '../command.ts';

/** The version that `go install` and the release archive fetch. */
export const pinnedNatsVersion = '2.10.29';

/** Builds the pinned nats-server with the Go that is installed; about 25 s on 2 cores. Throws where there is none. */
export async function installWithGo(
  folder: string,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  await runCommand('go', ['version'], { timeoutMs: 10_000, env, signal });
  say(`building nats-server ${pinnedNatsVersion} with go install (about half a minute)`);
  await runCommand('go', ['install', `github.com/nats-io/nats-server/v2@v${pinnedNatsVersion}`], {
    timeoutMs: 300_000,
    // A Go that is too old says so at once instead of fetching a newer tool chain; no C compiler is needed.
    env: { ...env, GOBIN: folder, GOTOOLCHAIN: 'local', CGO_ENABLED: '0' },
    cwd: folder,
    signal,
  });
  return join(folder, 'nats-server');
}
