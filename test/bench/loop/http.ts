/** Part (c): the real sampler at a model server that answers at once, beside the `openai` client in a plain loop at the same server. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OpenAI } from 'openai';
import { servedName } from '../../../agents/curator/plan/requests.ts';
import { publish } from '../../support/published-checkpoint.ts';
import { startRole } from '../../support/role.ts';
import { type Durability, environment, measureRound, startCluster } from './cluster.ts';
import type { Measured } from './report.ts';
import { candidatesOf, type Workload } from './workload.ts';

const workload: Workload = { examples: 1000, units: 'default' };
const BARE_CONCURRENCY = 64;

export async function measureHttp(durability: Durability, repeats: number): Promise<Measured> {
  await using cluster = await startCluster(durability, workload);
  await using server = await startModelServer();
  const { nats, folder, file } = cluster;
  const options = { natsUrl: nats.url, folder, env: environment, peer: 'sampler-1' };
  // The driver of servers in general: it makes a call for each candidate, as the bare client does.
  const served = { modelServer: server.url, driver: 'openai' } as const;
  await using sampler = await startRole('sampler', { ...options, ...served });
  const pids = [...cluster.pids(), ['sampler', sampler.pid], ['model server', server.pid]] as const;
  const candidates = candidatesOf(workload);
  const measured: Measured = { rates: [], references: [], cpu: [] };
  for (let round = 1; round <= repeats + 1; round++) {
    const files = { 'config.json': JSON.stringify({ round }) };
    const checkpoint = await publish(join(folder, 'checkpoints'), files, []);
    await load(server.url, servedName(file.run, checkpoint));
    const { seconds, cpu } = await measureRound(cluster, round, checkpoint, candidates, pids);
    const bare = await measureBareLoop(server.url, file.sampling.maxTokens, candidates);
    if (round === 1) continue;
    measured.rates.push(candidates / seconds);
    measured.references.push(bare);
    measured.cpu.push(cpu);
  }
  return measured;
}

/** As whoever runs the server would. */
async function load(url: string, id: string): Promise<void> {
  await fetch(`${url}/v1/models`, { method: 'POST', body: JSON.stringify({ id }) });
}

async function startModelServer(): Promise<{ url: string; pid: number } & AsyncDisposable> {
  const child = fork(fileURLToPath(new URL('model-server.js', import.meta.url)));
  const [url] = (await once(child, 'message')) as [string];
  return {
    url,
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** Completions a second of the bare client. */
async function measureBareLoop(url: string, maxTokens: number, requests: number): Promise<number> {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
  const prompt = 'What is said of a number, again and again? '.repeat(9);
  let left = requests;
  const ask = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const body = { model: 'bare', prompt, temperature: 0.5, seed: left, max_tokens: maxTokens };
      await client.completions.create(body);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: BARE_CONCURRENCY }, ask));
  return requests / ((performance.now() - start) / 1000);
}
