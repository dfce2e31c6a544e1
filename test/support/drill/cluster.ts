import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { isRunning } from '#local/lock.mjs';
import { freePort } from '../../../deploy/local/ports.ts';
import { bootstrap } from './command.ts';
import { evidenceFolder, recordBlow } from './evidence.ts';
import { processesOf } from './processes-of.ts';
import { type Seen, tapWire } from './wire-tap.ts';

const PidRecord = z.object({ name: z.string(), pid: z.int(), startTime: z.string() });
const AnyEvent = z.looseObject({ event: z.string() });
export type ClusterEvent = z.infer<typeof AnyEvent>;

export interface ClusterOptions {
  /** Continues this state folder; without it a fresh one is made, and removed at the end. */
  state?: string;
  preset?: string;
  /** What `npm start` runs in place of a preset. */
  own?: { readonly file: string; readonly profiles: string };
  /** `RESET_FAILPOINTS` of every process. */
  failpoints?: string;
  env?: NodeJS.ProcessEnv;
  json?: boolean;
}

/** A real cluster of one state folder, started as a user does, to be hurt. Nothing of it is left when `await using` ends. */
export interface DrillCluster extends AsyncDisposable {
  readonly state: string;
  /** The supervisor and its follower, as `npm start` would show them. */
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  /** What went over the bus. */
  readonly seen: readonly Seen[];
  /** What `--json` has printed since the first start. */
  events(): readonly ClusterEvent[];
  /** Starts it, or starts it again after it has ended; with other failpoints where they are given. */
  start(failpoints?: string): void;
  /** How the present start ends: its exit code, or the signal that killed it. */
  ended(): Promise<number | NodeJS.Signals>;
  /** The pid of a process, `supervisor` included; undefined while it does not run. */
  pid(name: string): number | undefined;
  /** kill -9; returns when it is gone. False where it did not run. */
  kill(name: string): Promise<boolean>;
  /** kill -9 of the supervisor and everything that works here, training programs included, at once. */
  killAll(): Promise<void>;
  /** Lets a process that was stopped by a failpoint go on, after `ms`. */
  resume(name: string, ms: number): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** kill -9 of the nats-server, and its store is removed before it starts again. */
  wipeBroker(): Promise<void>;
  /** Call it before the disk of the nats-server is filled: from then on it refuses what goes over it. */
  starveBroker(): void;
}

export async function drillCluster(options: ClusterOptions = {}): Promise<DrillCluster> {
  const state = options.state ?? mkdtempSync(join(tmpdir(), 'reset-drill-'));
  const evidence = evidenceFolder(state);
  const port = await freePort();
  const stdout: string[] = [];
  const stderr: string[] = [];
  const events: ClusterEvent[] = [];
  let running: { child: ChildProcess; ended: Promise<number | NodeJS.Signals> } | undefined;
  const tap = tapWire(`nats://127.0.0.1:${port}`, evidence.tap);
  const pidOf = (name: string): number | undefined =>
    name === 'supervisor' ? livingPid(running?.child) : recordedPid(state, name);

  return {
    state,
    stdout,
    stderr,
    seen: tap.seen,
    events: () => {
      for (const line of stdout.slice(events.length)) events.push(AnyEvent.parse(JSON.parse(line)));
      return events;
    },
    start: (failpoints = options.failpoints) => {
      const env = {
        ...process.env,
        RESET_NATS_PORT: String(port),
        RESET_ATTEMPTS: evidence.attempts,
        RESET_FAILPOINT_MARKS: evidence.marks,
        ...(failpoints === undefined ? {} : { RESET_FAILPOINTS: failpoints }),
        ...options.env,
      };
      running = startProcess(state, options, env, { stdout, stderr });
    },
    ended: async () => {
      if (running === undefined) throw new Error('the cluster was not started');
      return running.ended;
    },
    pid: pidOf,
    kill: async (name) => {
      const pid = pidOf(name);
      if (pid === undefined || !strike(pid, 'SIGKILL')) return false;
      recordBlow(state, { blow: 'killed', target: name });
      await gone(() => pidOf(name) === pid);
      return true;
    },
    killAll: async () => {
      const supervisor = livingPid(running?.child);
      // The supervisor first, so that it starts nothing again.
      if (supervisor !== undefined) strike(supervisor, 'SIGKILL');
      for (const { pid } of processesOf(state)) strike(pid, 'SIGKILL');
      recordBlow(state, { blow: 'killed', target: 'all' });
      await running?.ended;
    },
    resume: async (name, ms) => {
      const pid = pidOf(name);
      if (pid === undefined) throw new Error(`${name} does not run`);
      await delay(ms);
      strike(pid, 'SIGCONT');
    },
    signal: (name) => {
      running?.child.kill(name);
    },
    wipeBroker: async () => {
      const [supervisor, server] = [livingPid(running?.child), pidOf('nats-server')];
      if (supervisor === undefined || server === undefined) throw new Error('nothing runs');
      // It must not start the server again while the store goes.
      strike(supervisor, 'SIGSTOP');
      strike(server, 'SIGKILL');
      await gone(() => pidOf('nats-server') === server);
      await rm(join(state, 'nats'), { recursive: true });
      recordBlow(state, { blow: 'wiped', target: 'nats-server' });
      tap.wiped();
      strike(supervisor, 'SIGCONT');
    },
    starveBroker: () => {
      recordBlow(state, { blow: 'starved', target: 'nats-server' });
      tap.starved();
    },
    [Symbol.asyncDispose]: async () => {
      await tap[Symbol.asyncDispose]();
      await endAll(state, running);
      if (options.state === undefined) await rm(state, { recursive: true, force: true });
    },
  };
}

function startProcess(
  state: string,
  { preset = 'drill', own, json = true }: ClusterOptions,
  env: NodeJS.ProcessEnv,
  { stdout, stderr }: { stdout: string[]; stderr: string[] },
) {
  const what =
    own === undefined ? ['--preset', preset] : ['--file', own.file, '--profiles', own.profiles];
  const flags = [...what, '--state', state, ...(json ? ['--json'] : [])];
  const child = spawn(process.execPath, [bootstrap, 'start', ...flags], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
  createInterface({ input: child.stdout }).on('line', (line) => stdout.push(line));
  createInterface({ input: child.stderr }).on('line', (line) => stderr.push(line));
  // Not `close`: a follower that outlives a killed supervisor keeps the pipes open for a moment.
  const ended = once(child, 'exit').then(
    ([code, signal]: unknown[]) => (code ?? signal) as number | NodeJS.Signals,
  );
  return { child, ended };
}

function livingPid(child: ChildProcess | undefined): number | undefined {
  const ended = child === undefined || child.exitCode !== null || child.signalCode !== null;
  return ended ? undefined : child.pid;
}

function recordedPid(state: string, name: string): number | undefined {
  try {
    const text = readFileSync(join(state, 'pids', `${name}.json`), 'utf8');
    const record = PidRecord.parse(JSON.parse(text));
    return isRunning(record) ? record.pid : undefined;
  } catch {
    // Not started yet, ended, or the supervisor is writing the record at this moment.
    return undefined;
  }
}

function strike(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

async function gone(runs: () => boolean): Promise<void> {
  while (runs()) await delay(5);
}

/** In order where it can be, by force where not; throws where anything is left. */
async function endAll(
  state: string,
  running: { child: ChildProcess; ended: Promise<unknown> } | undefined,
): Promise<void> {
  running?.child.kill('SIGTERM');
  const patience = performance.now() + 20_000;
  for (let left = processesOf(state); left.length > 0; left = processesOf(state)) {
    const expired = performance.now() > patience;
    const supervised = livingPid(running?.child) !== undefined;
    if (expired || !supervised) for (const { pid } of left) strike(pid, 'SIGKILL');
    if (performance.now() > patience + 5_000)
      throw new Error(
        `left running: ${left.map(({ pid, command }) => `${pid} ${command}`).join('; ')}`,
      );
    await delay(25);
  }
}
