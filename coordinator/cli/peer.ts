import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import type { Role } from '../../shared/contract/peer.ts';
import { localBus, type ClusterOptions } from './cluster.ts';
import { CommandError, exits } from './exit.ts';
import { runProgram } from './program.ts';

export interface PeerOptions extends ClusterOptions {
  name?: string | undefined;
  profiles?: string | undefined;
  checkpoints?: string | undefined;
  /** Of a judge: the only judges that it works for. */
  judge?: readonly string[];
}

const programs: Record<Role, string> = {
  coordinator: 'coordinator/main.js',
  sampler: 'agents/sampler/main.js',
  judge: 'agents/judges/main.js',
  curator: 'agents/curator/main.js',
  trainer: 'agents/trainer/main.js',
};

export const roles = Object.keys(programs);

/** Joins a running bus with one role, until it is told to stop. */
export async function peer(role: Role, options: PeerOptions, signal: AbortSignal): Promise<number> {
  const natsUrl = options.nats ?? process.env['RESET_NATS_URL'] ?? localBus(options.state);
  if (natsUrl === undefined)
    throw new CommandError(
      exits.unreachable,
      'no bus to join: name one with --nats <url> or RESET_NATS_URL',
    );
  const name =
    options.name ??
    `${role}-${hostname()
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .slice(0, 40)}-${process.pid}`;
  const state = resolve(options.state);
  const profiles = options.profiles ?? process.env['RESET_PROFILES'];
  return runProgram(
    programs[role],
    [],
    {
      ...process.env,
      RESET_NATS_URL: natsUrl,
      RESET_PEER: name,
      RESET_STATE: join(state, name),
      RESET_CHECKPOINTS:
        options.checkpoints ?? process.env['RESET_CHECKPOINTS'] ?? join(state, 'checkpoints'),
      ...(options.judge === undefined ? {} : { RESET_JUDGES: options.judge.join(',') }),
      ...(profiles === undefined ? {} : { RESET_PROFILES: resolve(profiles) }),
    },
    signal,
  );
}
