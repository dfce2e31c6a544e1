import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { Probe } from '../../shared/contract/checkpoint.ts';
import { publishFolder } from '../support/published-checkpoint.ts';
import { python } from '../support/real-models.ts';
import { openServers } from '../support/sampling.ts';
import { sampleUnit, servedNameOf } from '../support/sampling-units.ts';
import { describeServer, type Scene } from '../support/server-contract.ts';

const { signal } = new AbortController();
const prompt = 'the cat sat on a mat and saw one red bird in an old tree by night. '.repeat(4);
/** Little memory, one thread for each of its processes, nothing asked of the network, and the routes that development and adapters need. */
const environment =
  'VLLM_CPU_KVCACHE_SPACE=1 VLLM_CPU_OMP_THREADS_BIND=nobind OMP_NUM_THREADS=1 VLLM_NO_USAGE_STATS=1 HF_HUB_OFFLINE=1 VLLM_SERVER_DEV_MODE=1 VLLM_ALLOW_RUNTIME_LORA_UPDATING=True';
const served =
  '--model {checkpoint} --served-model-name {name} --host {host} --port {port} --generation-config vllm';
/** A seed of a prompt that is read in parts kills vLLM 0.32 on a CPU, and its kernels for 16 bits are not sound on all CPUs. */
const sound =
  '--no-enable-chunked-prefill --max-num-batched-tokens 4096 --dtype float32 --enforce-eager';
const small = '--max-model-len 256 --block-size 32 --enable-lora --max-lora-rank 8';

describe('vLLM', () => {
  describeServer(
    {
      driver: 'vllm',
      command: [
        'env',
        ...environment.split(' '),
        python,
        '-m',
        'vllm.entrypoints.openai.api_server',
        ...`${served} ${sound} ${small}`.split(' '),
      ],
      seeds: true,
      processes: 4,
    },
    (scene) => {
      test('the queue is read from its metrics', async () => {
        const { opened, one } = scene();
        const [server] = opened.servers;
        const long = Promise.all(
          Array.from({ length: 100 }, (_, seed) => ask(scene(), servedNameOf(one), 60, seed)),
        );
        const busy = async () => (await server?.queue(signal))?.running ?? 0;
        await expect.poll(busy, { timeout: 60_000, interval: 50 }).toBeGreaterThan(10);
        await long;
        expect(await server?.queue(signal)).toEqual({ running: 0, waiting: 0, cache: 0 });
      });

      test('what was read of a prompt is used again for the same checkpoint alone', async () => {
        const name = servedNameOf(scene().one);
        await ask(scene(), name, 2, 1);
        expect(await prefixHits(scene(), name)).toBeGreaterThan(0);
        expect(await prefixHits(scene(), 'reset-run-a-another')).toBe(0);
      });

      test('the adapters of checkpoints that were trained on it, and on each other, are loaded under names of their own', async () => {
        const { checkpoints } = scene();
        const publish = (name: string) => publishFolder(checkpoints, join(inject('models'), name));
        for (const name of ['first', 'second', 'first'])
          expect(await greedyAnswers(scene(), { by: 'lora' }, await publish(name))).toEqual(
            await probeTexts(name),
          );
        const refused = greedyAnswers(scene(), { by: 'lora' }, await publish('third'));
        await expect(refused).rejects.toThrow(/--max-lora-rank 9 or more/);
      });

      test('other weights are read in place, and what was read with the old ones is forgotten', async () => {
        const { one, two } = scene();
        for (const [name, checkpoint] of Object.entries({ two, one }))
          expect(await greedyAnswers(scene(), { by: 'disk' }, checkpoint)).toEqual(
            await probeTexts(name),
          );
      });
    },
  );
});

function ask({ opened }: Scene, model: string, maxTokens: number, seed: number) {
  const [server] = opened.servers;
  if (server === undefined) throw new Error('there is one server');
  const settings = { temperature: 1, topK: 0, seed, maxTokens, logprobs: false };
  return server.complete({ model, prompt, ...settings }, signal);
}

async function probeTexts(model: string): Promise<string[]> {
  const text = await readFile(join(inject('models'), model, 'probe.json'), 'utf8');
  return Probe.parse(JSON.parse(text)).map((one) => one.text);
}

/** To the prompts of the probe, by a sampler that switches the server in this way. */
async function greedyAnswers({ opened, ...where }: Scene, switching: object, checkpoint: string) {
  const url = opened.servers[0]?.url ?? '';
  const other = openServers(where, 'vllm', url, { switch: switching });
  const text = await readFile(join(where.checkpoints, checkpoint, 'probe.json'), 'utf8');
  const prompts = Probe.parse(JSON.parse(text)).map(({ prompt }) => prompt);
  const unit = sampleUnit(checkpoint, prompts, [{ temperature: 0 }]);
  try {
    return await other.sample({ ...unit, maxTokens: 16 });
  } finally {
    await other.close();
  }
}

/** Tokens of the prompt that vLLM takes from its cache for a request with this salt. */
async function prefixHits({ opened, one }: Scene, salt: string): Promise<number> {
  const url = opened.servers[0]?.url ?? '';
  const before = await readHits(url);
  const body = JSON.stringify({
    model: servedNameOf(one),
    prompt,
    max_tokens: 1,
    cache_salt: salt,
  });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${url}/v1/completions`, { method: 'POST', headers, body });
  expect(answer.status).toBe(200);
  return (await readHits(url)) - before;
}

async function readHits(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith('vllm:prefix_cache_hits_total'));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}
