import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createTinylmServer } from '../../agents/sampler/servers/tinylm.ts';
import { publishCheckpoint } from '../../agents/trainer/checkpoint/publish.ts';
import { sha256 } from '../../shared/contract/ids.ts';
import type { SampleResult, SampleUnit } from '../../shared/contract/work.ts';
import { createGenerator } from '../../shared/tinylm/model/generate.ts';
import { startNats } from '../support/nats.ts';
import { startPlanner } from '../support/planner.ts';
import { startRole } from '../support/role.ts';
import { makeRunFile } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { writeTinyCheckpoint } from '../support/tiny-checkpoint.ts';
import { startTinylm } from '../support/tinylm.ts';

const file = makeRunFile();
const WITHIN = { timeout: 20_000, interval: 50 };
const PROBE_PROMPTS = ['the cat', 'one red bird'];
const settings = { topK: 0, seed: 0, maxTokens: 8, logprobs: true };

function keep<TResource extends AsyncDisposable>(resource: TResource): TResource {
  onTestFinished(() => resource[Symbol.asyncDispose]());
  return resource;
}

/** An untrained checkpoint with its probe, published as a trainer does. */
async function publishTiny(folder: string): Promise<string> {
  const source = join(folder, 'source');
  await mkdir(source);
  const { tokenizer } = await writeTinyCheckpoint(source);
  const generator = await createGenerator(source, { workers: 1 });
  const samples = await generator.generate(
    PROBE_PROMPTS.map((prompt) => ({
      ...settings,
      prompt: tokenizer.encode(prompt),
      temperature: 0,
      maxTokens: 16,
    })),
  );
  await generator.close();
  const probe = samples.map(({ tokens, logprobs }, i) => ({
    prompt: PROBE_PROMPTS[i] ?? '',
    tokens,
    text: tokenizer.decode(tokens),
    logprobs,
  }));
  await writeFile(join(source, 'probe.json'), JSON.stringify(probe));
  const lineage = { parent: null, dataset: null, training: null };
  return publishCheckpoint(source, join(folder, 'checkpoints'), lineage, 'tested');
}

function makeUnit(checkpoint: string, slice: number): SampleUnit {
  const prompts = ['the cat sat', 'a mat and', 'one red bird in'];
  return {
    kind: 'sample',
    run: file.run,
    unit: `r1-train-s000${slice}`,
    split: 'train',
    server: 'local',
    checkpoint,
    servedName: `reset-test-${checkpoint.slice(0, 8)}`,
    maxTokens: 8,
    items: prompts.map((prompt) => ({
      example: sha256(prompt).slice(0, 32),
      prompt,
      requests: [0.2, 0.9, 1.5].map((temperature, i) => ({
        candidate: sha256(`${prompt} ${temperature}`).slice(0, 32),
        cells: [`t${temperature}`],
        temperature,
        topK: 0,
        seed: 11 + i,
      })),
    })),
  };
}

test('a tinylm that comes late and is killed between units gives the same candidates', async () => {
  const folder = keep(await temporaryFolder()).path;
  const nats = keep(await startNats());
  const planner = keep(await startPlanner(nats.url, file));
  const checkpoint = await publishTiny(folder);
  const first = await startTinylm('--port', '0', '--workers', '1');
  const { url } = first;
  await first[Symbol.asyncDispose]();

  const where = { natsUrl: nats.url, folder, peer: 'sampler-1', modelServer: url };
  const sampler = keep(await startRole('sampler', where));
  await planner.offer(makeUnit(checkpoint, 1));
  await expect
    .poll(() => sampler.log.some((line) => line.includes('ECONNREFUSED')), WITHIN)
    .toBe(true);
  const { port } = new URL(url);
  const second = await startTinylm('--port', port, '--workers', '1');
  await expect.poll(() => planner.results.length, WITHIN).toBe(1);
  await second[Symbol.asyncDispose]();
  keep(await startTinylm('--port', port, '--workers', '2'));
  await planner.offer(makeUnit(checkpoint, 2));
  await expect.poll(() => planner.results.length, WITHIN).toBe(2);

  const [one, two] = planner.results as SampleResult[];
  expect(two?.items).toEqual(one?.items);
  const texts = one?.items.flatMap(({ generations }) =>
    generations.map((generation) => generation.outcome === 'generated' && generation.text),
  );
  expect(texts).toHaveLength(9);
  expect(new Set(texts).size).toBeGreaterThan(3);
});

test('a prompt that is too large for a call is refused alone, whatever is asked for beside it', async () => {
  const folder = keep(await temporaryFolder()).path;
  const checkpoint = await publishTiny(folder);
  const { url } = keep(await startTinylm('--port', '0', '--workers', '1'));
  const server = createTinylmServer({ url, key: undefined });
  const { signal } = new AbortController();
  await server.load('tiny', join(folder, 'checkpoints', checkpoint), signal);
  const ask = (prompt: string) =>
    server.complete({ model: 'tiny', prompt, temperature: 0, ...settings }, signal);
  const asked = await Promise.all([ask('the cat'), ask('x'.repeat(8_000_000)), ask('the cat')]);
  expect(asked.map(({ outcome }) => outcome)).toEqual(['generated', 'failed', 'generated']);
  expect(asked[1]).toMatchObject({
    reason: expect.stringContaining('at most 8000000 are read') as string,
  });
});
