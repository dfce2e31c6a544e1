/**
 * A whole cluster on this machine: nats-server, model server and one process a role, on loopback.
 *
 * I1. One supervisor a state folder: a lock names it by pid and start time.
 * I2. What an earlier supervisor left behind has ended before anything starts.
 * I3. `cluster.json` is written when both servers answer, and removed before anything ends in order.
 */
import { rmSync } from 'node:fs';
import { type Holder, startTimeOf, takeLock } from '#local/lock.mjs';
import type { LocalCluster } from '../../shared/contract/local-cluster.ts';
import type { Profiles } from '../../shared/contract/peer.ts';
import { sweepStaging, writeFileDurably } from '../../shared/process/files.ts';
import { fullDisk, untilFull } from './disk.ts';
import { natsConfig } from './nats-config.ts';
import { findNatsServer } from './nats-server.ts';
import { endOrphans } from './orphans.ts';
import { freePort, isFree } from './ports.ts';
import { checkServer, readServerInfo, waitUntil } from './probe.ts';
import { localProfiles, modelServerProcess, natsProcess, peerProcesses } from './processes.ts';
import { type StateFolder, prepareStateFolder, readCluster } from './state-folder.ts';
import { type Supervisor, createSupervisor } from './supervisor.ts';

export interface ClusterOptions {
  state: StateFolder;
  env: NodeJS.ProcessEnv;
  /** Told one line for each thing that a user may wonder about. */
  say: (line: string) => void;
  signal: AbortSignal;
  /** Makes what the state folder must hold before anybody may look for it; the folder is ours alone then. */
  prepare: () => Promise<void>;
  /** What run files may name beside the embedded model server and trainer. */
  profiles?: Profiles;
}

/** A running cluster of ours. */
export interface RunningCluster {
  /** Rejects when a process dies too often, with what to do. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
  kill(): void;
}

/** Starts the cluster of a state folder, or says which supervisor has it. Throws a message for the user. */
export async function startCluster(
  options: ClusterOptions,
): Promise<{ cluster: RunningCluster } | { holder: Holder }> {
  const { state, say, signal } = options;
  await prepareStateFolder(state);
  const lock = takeLock(state.lock);
  if (lock.holder !== undefined) return { holder: lock.holder };
  try {
    await endOrphans(state, say, signal);
    await sweepStaging(state.root);
    await options.prepare();
    const supervisor = createSupervisor(state);
    await startAll(options, supervisor);
    return { cluster: runningCluster(state, supervisor, lock.release) };
  } catch (error) {
    lock.release();
    throw await withDiskState(error, state);
  }
}

/** Ends all that it has started where one of them does not come up. */
async function startAll(options: ClusterOptions, supervisor: Supervisor): Promise<void> {
  const gaveUp = new AbortController();
  const signal = AbortSignal.any([options.signal, gaveUp.signal]);
  try {
    await Promise.race([startProcesses({ ...options, signal }, supervisor), supervisor.failed]);
  } catch (error) {
    gaveUp.abort();
    await supervisor.stop();
    throw error;
  }
}

function runningCluster(
  state: StateFolder,
  supervisor: Supervisor,
  release: () => void,
): RunningCluster {
  const stopped = new AbortController();
  const failed = Promise.race([supervisor.failed, refuseFullDisk(state, stopped.signal)]).catch(
    async (error: unknown) => {
      throw await withDiskState(error, state);
    },
  );
  // Whoever waits for it sees the rejection; it must not end the process before.
  failed.catch(() => undefined);
  return {
    failed,
    kill: () => {
      supervisor.kill();
    },
    stop: async () => {
      stopped.abort();
      rmSync(state.cluster, { force: true });
      await supervisor.stop();
      release();
    },
  };
}

/** Rejects on a full disk, where peers would wait for the bus and the bus for space without a word. */
async function refuseFullDisk(state: StateFolder, signal: AbortSignal): Promise<never> {
  await untilFull(state.root, signal);
  if (!signal.aborted) throw new Error(`the state folder ${state.root} ${fullDisk}`);
  return new Promise(() => undefined);
}

async function startProcesses(options: ClusterOptions, supervisor: Supervisor): Promise<void> {
  const { state, env, signal } = options;
  const earlier = readCluster(state);
  const given = env['NATS_URL'];
  if (given !== undefined) await checkServer(given);
  const nats = given ?? (await startNats(options, earlier?.natsUrl, supervisor));
  const port = await freePort(portOf(earlier?.modelServerUrl));
  const modelServer = `http://127.0.0.1:${port}`;
  await writeFileDurably(
    'supervisor.profiles',
    state.profiles,
    localProfiles(modelServer, options.profiles),
  );
  supervisor.start([modelServerProcess(port, env)]);
  supervisor.start(peerProcesses(state, { nats, modelServer }, env));
  const isHealthy = async (): Promise<void> => {
    const response = await fetch(`${modelServer}/health`, { signal });
    if (!response.ok) throw new Error(`/health answers ${response.status}`);
  };
  await waitUntil('the model server', isHealthy, 60_000, signal);
  const cluster: LocalCluster = {
    version: 1,
    pid: process.pid,
    startTime: startTimeOf(process.pid) ?? '',
    natsUrl: nats,
    modelServerUrl: modelServer,
  };
  await writeFileDurably('supervisor.cluster', state.cluster, `${JSON.stringify(cluster)}\n`);
}

/** A restarted cluster keeps its port where it can, so that peers that joined from elsewhere find it again. */
async function startNats(
  { state, env, say, signal }: ClusterOptions,
  earlier: string | undefined,
  supervisor: Supervisor,
): Promise<string> {
  const binary = await findNatsServer({ env, say, signal });
  const port = configuredPort(env) ?? (await freePort(portOf(earlier)));
  if (!(await isFree(port))) {
    throw new Error(
      `port ${port} (RESET_NATS_PORT) is taken by another process: set RESET_NATS_PORT to a free port, or unset it so that one is chosen`,
    );
  }
  const syncAlways = env['RESET_NATS_SYNC'] === 'always';
  await writeFileDurably(
    'supervisor.nats-config',
    state.natsConfig,
    natsConfig({ port, store: state.nats, syncAlways }),
  );
  supervisor.start([natsProcess(binary, state, env)]);
  const url = `nats://127.0.0.1:${port}`;
  await waitUntil('nats-server', () => readServerInfo(url), 15_000, signal);
  return url;
}

function configuredPort(env: NodeJS.ProcessEnv): number | undefined {
  const text = env['RESET_NATS_PORT'];
  if (text === undefined || text === '') return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new Error(`RESET_NATS_PORT=${text} is not a port: use a number from 1 to 65535`);
}

function portOf(url: string | undefined): number | undefined {
  return url === undefined ? undefined : Number(new URL(url).port);
}

/** A process that cannot write its log dies without a word, so a full disk is looked for when one did. */
async function withDiskState(error: unknown, state: StateFolder): Promise<unknown> {
  try {
    await prepareStateFolder(state);
    return error;
  } catch (diskError) {
    return diskError;
  }
}
