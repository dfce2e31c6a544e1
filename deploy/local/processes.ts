import { join } from 'node:path';
import type { Profiles } from '../../shared/contract/peer.ts';
import type { ChildSpec } from './child.ts';
import { programPath } from './paths.ts';
import type { StateFolder } from './state-folder.ts';

/** Addresses of a cluster's two servers. */
export interface Addresses {
  nats: string;
  modelServer: string;
}

const peers = [
  { peer: 'curator-1', program: 'agents/curator/main.js' },
  { peer: 'coordinator-1', program: 'coordinator/main.js' },
  { peer: 'sampler-1', program: 'agents/sampler/main.js' },
  { peer: 'judge-1', program: 'agents/judges/main.js' },
  { peer: 'judge-2', program: 'agents/judges/main.js' },
  { peer: 'trainer-1', program: 'agents/trainer/main.js' },
] as const;

/** The bus. It knows no IPC, so a supervisor that was killed leaves it running; the next start ends it. */
export function natsProcess(binary: string, state: StateFolder, env: NodeJS.ProcessEnv): ChildSpec {
  return {
    name: 'nats-server',
    command: binary,
    args: ['--config', state.natsConfig, '--pid', state.natsPid],
    env,
    ipc: false,
  };
}

/** The embedded engine as a model server. */
export function modelServerProcess(port: number, env: NodeJS.ProcessEnv): ChildSpec {
  return {
    name: 'model-server',
    command: process.execPath,
    args: [programPath('shared/tinylm/main.js'), 'serve', '--port', String(port)],
    env,
    ipc: true,
  };
}

/** All roles of a run: one process each, two for judges. */
export function peerProcesses(
  state: StateFolder,
  addresses: Addresses,
  env: NodeJS.ProcessEnv,
): ChildSpec[] {
  return peers.map(({ peer, program }) => ({
    name: peer,
    command: process.execPath,
    args: [programPath(program)],
    env: {
      RESET_LOG_LEVEL: 'info',
      ...env,
      RESET_NATS_URL: addresses.nats,
      RESET_PEER: peer,
      RESET_STATE: join(state.root, peer),
      RESET_CHECKPOINTS: state.checkpoints,
      RESET_PROFILES: state.profiles,
      RESET_HTTP_PORT: '0',
      RESET_GRPC_PORT: '0',
    },
    ipc: true,
  }));
}

/** What run files mean by `server: local` and `backend: tinylm` on this machine, and by the names of `given`. */
export function localProfiles(modelServer: string, given?: Profiles): string {
  const profiles = {
    ...given,
    servers: { local: { driver: 'tinylm', url: modelServer }, ...given?.servers },
    trainers: {
      tinylm: { command: [process.execPath, programPath('shared/tinylm/main.js'), 'train'] },
      ...given?.trainers,
    },
  };
  return `${JSON.stringify(profiles, null, 2)}\n`;
}
