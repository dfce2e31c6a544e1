import { setTimeout as delay } from 'node:timers/promises';
import { type Holder, holderOf, isRunning } from '#local/lock.mjs';
import { messageOf } from '../../shared/contract/failure.ts';
import { readProfiles } from '../../shared/process/environment.ts';
import type { StartArguments } from './arguments.ts';
import { prepareDemo, runFileOf } from './demo.ts';
import { followRun } from './follow.ts';
import { type RunningCluster, startCluster } from './local-cluster.ts';
import { oracleLine } from './oracle.ts';
import { endOrphans } from './orphans.ts';
import type { StopSignals } from './program.ts';
import { type StateFolder, readCluster, removeState, stateFolder } from './state-folder.ts';

/**
 * Starts the demo or a run of the user's, goes on with it, or follows it beside the start that runs it. Returns the exit code of `reset-loop run`.
 * Throws a message for the user.
 */
export async function start(
  args: StartArguments,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
  signals: StopSignals,
): Promise<number> {
  const state = stateFolder(args.state);
  if (args.fresh) await removeEarlier(state, say, signals.soft);
  for (;;) {
    say(`starting nats-server, model server and peers; everything is kept in ${state.root}`);
    const prepare = async (): Promise<void> => {
      if (args.own === undefined) await prepareDemo(args, signals.soft);
    };
    const profiles = readProfiles(args.own?.profiles);
    const started = await startCluster({
      state,
      env,
      say,
      signal: signals.soft,
      prepare,
      profiles,
    });
    if ('cluster' in started) return runInCluster(started.cluster, args, say, signals);
    const code = await attach(started.holder, state, args, say, signals);
    if (code !== undefined) return code;
    say('the other start has ended; going on with it here');
  }
}

/** Removes all state of a folder where nothing runs; throws a message where something does. */
export async function removeEarlier(
  state: StateFolder,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const holder = holderOf(state.lock);
  if (holder !== undefined) {
    throw new Error(
      `a run is going on in ${state.root} (pid ${holder.pid}): end it there with Ctrl-C, then use --fresh again`,
    );
  }
  await endOrphans(state, say, signal);
  removeState(state);
}

async function runInCluster(
  cluster: RunningCluster,
  args: StartArguments,
  say: (line: string) => void,
  signals: StopSignals,
): Promise<number> {
  const kill = (): void => {
    cluster.kill();
  };
  signals.hard.addEventListener('abort', kill, { once: true });
  const run = followRun(fileOf(args), args, signals.soft);
  try {
    const code = await Promise.race([run.exitCode, cluster.failed]);
    if (code === 0 && !args.json && args.own === undefined)
      await tellOracle(args, say, signals.soft);
    return code;
  } catch (error) {
    // What follows the run ends first, so that the message is the last one.
    await run.end();
    throw error;
  } finally {
    if (signals.soft.aborted) say('ending in order; the next start goes on from here');
    await cluster.stop();
    signals.hard.removeEventListener('abort', kill);
  }
}

function fileOf(args: StartArguments): string {
  return args.own?.file ?? runFileOf(args);
}

/** Shows the oracle below a finished run's table. Without it the result stands all the same. */
async function tellOracle(
  args: StartArguments,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  try {
    process.stdout.write(`\n${await oracleLine(runFileOf(args), args.state, signal)}\n`);
  } catch (error) {
    if (!signal.aborted) say(`the oracle could not be read: ${messageOf(error)}`);
  }
}

/** Follows the run of another start; undefined when that one ended before the run did. */
async function attach(
  holder: Holder,
  state: StateFolder,
  args: StartArguments,
  say: (line: string) => void,
  signals: StopSignals,
): Promise<number | undefined> {
  say(`another start runs this (pid ${holder.pid}); following it, Ctrl-C leaves it running`);
  while (readCluster(state)?.startTime !== holder.startTime) {
    if (!isRunning(holder)) return undefined;
    await delay(50, undefined, { signal: signals.soft });
  }
  const code = await followRun(fileOf(args), args, signals.soft).exitCode;
  return code === 0 || signals.soft.aborted || isRunning(holder) ? code : undefined;
}
