import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectBus } from '../../shared/bus/nats.ts';
import type { Directory } from '../../shared/bus/bus.ts';
import { LocalCluster } from '../../shared/contract/local-cluster.ts';
import type { Presence } from '../../shared/contract/peer.ts';
import { systemClock } from '../../shared/process/clock.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { coordinatorClient } from '../../shared/rpc/client.ts';
import type { CoordinatorServiceClient } from '../../shared/rpc/generated/reset/v1/CoordinatorService.ts';
import { CommandError, exits } from './exit.ts';

/** What the commands know of the cluster that they talk to. */
export interface Cluster {
  directory: Directory;
  serverVersion: string;
  /** `power` where every write of the bus is synced, `process` otherwise. */
  durability: 'power' | 'process';
  coordinator(signal: AbortSignal): Promise<CoordinatorServiceClient>;
  close(): Promise<void>;
}

export interface ClusterOptions {
  /** Folder of a local cluster's state, where its supervisor leaves `cluster.json`. */
  state: string;
  /** A bus somewhere else. */
  nats?: string | undefined;
}

const CONNECT_MS = 10_000;
const COORDINATOR_WAIT_MS = 20_000;

/** Connects to the bus that the options, RESET_NATS_URL or a running local cluster name. */
export async function connectCluster(
  options: ClusterOptions,
  signal: AbortSignal,
): Promise<Cluster> {
  const natsUrl = options.nats ?? process.env['RESET_NATS_URL'] ?? localBus(options.state);
  if (natsUrl === undefined) {
    throw new CommandError(
      exits.unreachable,
      `no cluster runs in ${options.state}: start one with npm start, or name a bus with --nats <url>`,
    );
  }
  const log = createLogger('cli', 'cli', 'error');
  const connected = await connectBus({
    natsUrl,
    peer: `cli-${process.pid}`,
    role: 'cli',
    ackWaitMs: 30_000,
    log,
    signal: AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS)]),
  });
  const { bus, directory, serverVersion, syncAlways } = connected;
  const clients: CoordinatorServiceClient[] = [];
  return {
    directory,
    serverVersion,
    durability: syncAlways ? 'power' : 'process',
    coordinator: async (signal) => {
      const { grpc } = await awaitCoordinator(directory, signal);
      const client = coordinatorClient(grpc);
      clients.push(client);
      return client;
    },
    close: async () => {
      for (const client of clients) client.close();
      await bus.close();
    },
  };
}

/** The bus of the local cluster whose supervisor is alive, if there is one. */
export function localBus(state: string): string | undefined {
  try {
    const { pid, natsUrl } = LocalCluster.parse(
      JSON.parse(readFileSync(join(state, 'cluster.json'), 'utf8')),
    );
    process.kill(pid, 0);
    return natsUrl;
  } catch {
    // No file, no such process or a torn file all mean that nothing runs here.
    return undefined;
  }
}

async function awaitCoordinator(
  directory: Directory,
  signal: AbortSignal,
): Promise<Presence & { grpc: string }> {
  const until = systemClock.now() + COORDINATOR_WAIT_MS;
  for (;;) {
    const found = (await directory.peers()).find(
      (peer): peer is Presence & { grpc: string } =>
        peer.role === 'coordinator' && peer.grpc !== null,
    );
    if (found !== undefined) return found;
    if (systemClock.now() > until) {
      throw new CommandError(
        exits.unreachable,
        'no coordinator is on the bus: start one with reset-loop peer --role coordinator',
      );
    }
    await systemClock.sleep(200, signal);
  }
}
