/** The run of deploy/examples/public-data, with trainer, training program and sampler killed on the way. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import { programPath } from '../../deploy/local/paths.ts';
import { freePort } from '../../deploy/local/ports.ts';
import { type DrillCluster, drillCluster } from '../support/drill/cluster.ts';
import { processesOf } from '../support/drill/processes-of.ts';

const example = 'deploy/examples/public-data';
const serversPython = '.reset-loop-servers/bin/python';
export const python = process.env['RESET_PYTHON'] ?? resolve('.reset-loop-python/bin/python');

const PATIENCE = { timeout: 1_800_000, interval: 200 };

/** Where things are in the folder of the run. */
export function placesOf(folder: string) {
  const state = join(folder, 'state');
  return {
    rows: join(folder, 'rows'),
    base: join(folder, 'base'),
    state,
    job: (step: string) => join(state, 'trainer-1/jobs/public-data', step),
    serverLog: join(state, 'sampler-1/servers/vllm-0.log'),
  };
}

/** Makes rows, base and profiles as the README says; the server logs the tokens of each prompt. */
export async function prepare(folder: string, sources: string): Promise<void> {
  const rows = programPath('deploy/examples/public-data/main.js');
  execFileSync(process.execPath, [rows, sources, folder]);
  execFileSync(python, [join(example, 'tiny_llama.py'), folder], { stdio: 'ignore' });
  const profiles = readFileSync(join(example, 'profiles.yaml'), 'utf8')
    .replace(serversPython, process.env['RESET_SERVERS_PYTHON'] ?? serversPython)
    .replace('8431', String(await freePort()))
    .replace('VLLM_NO_USAGE_STATS=1', '$&, VLLM_LOGGING_LEVEL=DEBUG')
    .replace('--enforce-eager', '$&, --enable-log-requests');
  writeFileSync(join(folder, 'profiles.yaml'), profiles);
}

/** Carries the run out: the trainer and its program are killed in the midst of MTL, the sampler while it samples the first round. */
export async function carryOut(folder: string): Promise<DrillCluster> {
  const places = placesOf(folder);
  const own = { file: join(folder, 'run.yaml'), profiles: join(folder, 'profiles.yaml') };
  const cluster = await drillCluster({ state: places.state, own });
  try {
    cluster.start();
    const progress = join(places.job('start-0'), 'progress.jsonl');
    await until(cluster, () => textOf(progress).includes('"saved"'));
    await cluster.kill('trainer-1');
    for (const { pid } of programs(places.state)) process.kill(pid, 'SIGKILL');
    await until(cluster, () => sampled(cluster, 'r1-train-') > 0);
    await cluster.kill('sampler-1');
    expect(await cluster.ended(), cluster.stderr.slice(-12).join('\n')).toBe(0);
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

/** Waits for what must come while the cluster runs. */
async function until({ pid, stderr }: DrillCluster, come: () => boolean): Promise<void> {
  const came = (): boolean => {
    if (pid('supervisor') === undefined) throw new Error(stderr.slice(-12).join('\n'));
    return come();
  };
  await expect.poll(came, PATIENCE).toBe(true);
}

function sampled({ seen }: DrillCluster, units: string): number {
  return seen.filter(
    (one) =>
      one.seen === 'answer' && one.result.kind === 'sample' && one.result.unit.startsWith(units),
  ).length;
}

/** The training program and what keeps it. */
function programs(state: string): { pid: number }[] {
  return processesOf(state).filter(({ command }) => command.includes('train.py'));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
