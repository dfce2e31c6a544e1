import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../shared/contract/failure.ts';
import { LocalCluster } from '../../shared/contract/local-cluster.ts';
import { writeFileDurably } from '../../shared/process/files.ts';
import { fullDisk } from './disk.ts';

/** The places in a state folder that the supervisor uses; each peer has `<root>/<peer>` besides. */
export type StateFolder = ReturnType<typeof stateFolder>;

export function stateFolder(root: string) {
  return {
    root,
    marker: join(root, 'reset-loop.json'),
    lock: join(root, 'supervisor.lock'),
    cluster: join(root, 'cluster.json'),
    profiles: join(root, 'profiles.json'),
    checkpoints: join(root, 'checkpoints'),
    logs: join(root, 'logs'),
    pids: join(root, 'pids'),
    nats: join(root, 'nats'),
    natsConfig: join(root, 'nats.conf'),
    natsPid: join(root, 'nats.pid'),
  };
}

/** Makes the folder and proves that it can be written; the error says what to do. */
export async function prepareStateFolder(state: StateFolder): Promise<void> {
  try {
    for (const folder of [state.root, state.checkpoints, state.logs]) {
      mkdirSync(folder, { recursive: true });
    }
    const probe = join(state.root, '.probe');
    await writeFileDurably('supervisor.probe', probe, Buffer.alloc(1024 * 1024, 1));
    rmSync(probe);
    await writeFileDurably('supervisor.marker', state.marker, '{"version":1}\n');
  } catch (error) {
    throw new Error(`the state folder ${state.root} ${problemOf(error)}`, { cause: error });
  }
}

function problemOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return fullDisk;
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return 'cannot be written: change its owner or permissions, or choose another with --state <folder>';
  }
  return `cannot be used (${messageOf(error)}): choose another with --state <folder>`;
}

/** Removes all state; refuses a folder that no start has made. */
export function removeState(state: StateFolder): void {
  if (!existsSync(state.root) || readdirSync(state.root).length === 0) return;
  if (!existsSync(state.marker)) {
    throw new Error(
      `${state.root} is not a state folder of reset-loop (it has no reset-loop.json), so --fresh leaves it alone: choose another with --state <folder>`,
    );
  }
  rmSync(state.root, { recursive: true, force: true });
}

/** Who runs or ran here last; undefined where nobody did. */
export function readCluster(state: StateFolder): LocalCluster | undefined {
  try {
    return LocalCluster.parse(JSON.parse(readFileSync(state.cluster, 'utf8')));
  } catch {
    return undefined;
  }
}
