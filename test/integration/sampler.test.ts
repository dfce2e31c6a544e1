import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { randomFrom } from '../../shared/contract/random.ts';
import type { SampleResult, SampleUnit } from '../../shared/contract/work.ts';
import {
  completionOf,
  startInstantModelServer,
  textFor,
  type InstantModelServer,
} from '../support/instant-model-server.ts';
import { startNats } from '../support/nats.ts';
import { startPlanner } from '../support/planner.ts';
import { publish } from '../support/published-checkpoint.ts';
import { startRole } from '../support/role.ts';
import { makeRunFile } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const file = makeRunFile();
const WITHIN = { timeout: 20_000, interval: 50 };
const PROMPTS = ['one two three', 'four five six', 'seven eight nine'];

/** Prompts with two cells each. */
function makeUnit(checkpoint: string, slice = 1): SampleUnit {
  const random = randomFrom('sampler', slice);
  const name = (): string =>
    random
      .integer(2 ** 32)
      .toString(16)
      .padStart(32, '0');
  const cells = ['t0.1', 't0.7'];
  return {
    kind: 'sample',
    run: file.run,
    unit: `r1-train-s000${slice}`,
    split: 'train',
    server: 'local',
    checkpoint,
    servedName: `reset-test-${checkpoint.slice(0, 8)}`,
    maxTokens: 8,
    items: PROMPTS.map((prompt) => ({
      example: name(),
      prompt,
      requests: cells.map((cell, seed) => ({
        candidate: name(),
        cells: [cell],
        temperature: 0.5,
        topK: 0,
        seed,
      })),
    })),
  };
}

/** What the server says to each request of a unit, in its order. */
function expectedTexts({ items, servedName: model }: SampleUnit): string[] {
  return items.flatMap(({ prompt, requests }) =>
    requests.map(({ seed }) => textFor({ model, prompt, seed })),
  );
}

function generationsOf(results: readonly unknown[]) {
  const [result] = results as SampleResult[];
  return result?.items.flatMap(({ generations }) => generations) ?? [];
}

/** Disposes of it when the test has ended, the last one first. */
function keep<TResource extends AsyncDisposable>(resource: TResource): TResource {
  onTestFinished(() => resource[Symbol.asyncDispose]());
  return resource;
}

/** Bus, planner, model server, a published checkpoint, and a sampler. */
async function start(probeText = textFor({ model: '', prompt: 'one two', temperature: 0 })) {
  const folder = keep(await temporaryFolder());
  const nats = keep(await startNats());
  const server = keep(await startInstantModelServer());
  const planner = keep(await startPlanner(nats.url, file));
  const probe = [{ prompt: 'one two', tokens: [1], text: probeText, logprobs: [0] }];
  const checkpoints = join(folder.path, 'checkpoints');
  const checkpoint = await publish(checkpoints, { 'config.json': '{}' }, probe);
  const sampler = keep(
    await startRole('sampler', {
      natsUrl: nats.url,
      folder: folder.path,
      peer: 'sampler-1',
      modelServer: server.url,
    }),
  );
  return { planner, server, sampler, checkpoints, checkpoint };
}

/** Answers `count` completions with a status, then normally again; the probe's are answered always. */
function failFor(server: InstantModelServer, count: number, status: number): void {
  let left = count;
  server.answerWith((asked) => {
    if (asked.temperature !== 0) left -= 1;
    return asked.temperature !== 0 && left >= 0
      ? { status, body: { error: { message: 'not now' } } }
      : { body: completionOf(asked.model, textFor(asked)) };
  });
}

test.each([503, 429, 500])(
  'an outage (%i) delays a unit and fails no candidate',
  async (status) => {
    const setup = await start();
    const unit = makeUnit(setup.checkpoint);
    failFor(setup.server, 4, status);
    await setup.planner.offer(unit);
    await expect.poll(() => setup.planner.results.length, WITHIN).toBe(1);
    const texts = generationsOf(setup.planner.results).map(
      (generation) => generation.outcome === 'generated' && generation.text,
    );
    expect(texts).toEqual(expectedTexts(unit));
    await expect.poll(() => setup.planner.offered(unit), WITHIN).toEqual([]);
  },
);

test('a prompt that the server refuses fails its candidates and no other', async () => {
  const setup = await start();
  setup.server.answerWith((asked) =>
    asked.prompt === PROMPTS[1]
      ? { status: 400, body: { error: { message: 'prompt is too long' } } }
      : { body: completionOf(asked.model, textFor(asked)) },
  );
  await setup.planner.offer(makeUnit(setup.checkpoint));
  await expect.poll(() => setup.planner.results.length, WITHIN).toBe(1);
  const outcomes = generationsOf(setup.planner.results).map(({ outcome }) => outcome);
  expect(outcomes).toEqual([
    'generated',
    'generated',
    'failed',
    'failed',
    'generated',
    'generated',
  ]);
  expect(generationsOf(setup.planner.results)[2]).toMatchObject({
    reason: '400 prompt is too long',
  });
});

test('a unit of a checkpoint that its run has released is answered with failures, not held for ever', async () => {
  const setup = await start();
  const words = JSON.stringify({ run: file.run, round: 2 });
  await writeFile(join(setup.checkpoints, setup.checkpoint, 'removed.json'), words);
  const unit = makeUnit(setup.checkpoint);
  await setup.planner.offer(unit);
  await expect.poll(() => setup.planner.results.length, WITHIN).toBe(1);
  for (const generation of generationsOf(setup.planner.results))
    expect(generation).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('was removed after round 2') as string,
    });
  expect(setup.server.completions).toBe(0);
  await expect.poll(() => setup.planner.offered(unit), WITHIN).toEqual([]);
});

test('a server with other weights under the name is not sampled from', async () => {
  const setup = await start(' something else');
  const unit = makeUnit(setup.checkpoint);
  await setup.planner.offer(unit);
  const refusal = (): boolean =>
    setup.sampler.log.some((line) => line.includes('does not serve the checkpoint'));
  await expect.poll(refusal, WITHIN).toBe(true);
  expect(setup.planner.results).toHaveLength(0);
  expect(await setup.planner.offered(unit)).toEqual([unit.unit]);
  expect(setup.server.completions).toBe(1);
});

test('an answer of another model is not used', async () => {
  const setup = await start();
  const unit = makeUnit(setup.checkpoint);
  setup.server.answerWith((asked) => ({
    body: completionOf(asked.temperature === 0 ? asked.model : 'another', textFor(asked)),
  }));
  await setup.planner.offer(unit);
  const refusal = (): boolean =>
    setup.sampler.log.some((line) => line.includes('the server answered as another'));
  await expect.poll(refusal, WITHIN).toBe(true);
  expect(setup.planner.results).toHaveLength(0);
});

test('SIGTERM finishes the unit in hand', async () => {
  const setup = await start();
  const unit = makeUnit(setup.checkpoint);
  const stopping = (): boolean => setup.sampler.log.some((line) => line.includes('stopping'));
  let asked = 0;
  setup.server.answerWith(async (request) => {
    if (request.temperature !== 0) asked += 1;
    if (asked === 1) setup.sampler.kill('SIGTERM');
    if (asked > 0) await expect.poll(stopping, WITHIN).toBe(true);
    return { body: completionOf(request.model, textFor(request)) };
  });
  await setup.planner.offer(unit);
  expect(await setup.sampler.exited).toBe(0);
  expect(setup.planner.results).toHaveLength(1);
  expect(await setup.planner.offered(unit)).toEqual([]);
});
