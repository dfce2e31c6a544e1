/** What the sampler needs of a model server that nobody here wrote, held against what the model says itself. One server after the other. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { freePort } from '../../deploy/local/ports.ts';
import { Probe } from '../../shared/contract/checkpoint.ts';
import type { Generation } from '../../shared/contract/work.ts';
import { groupOf, keeperOf } from './child-group.ts';
import type { EngineName } from './fake-engine.ts';
import { startNats } from './nats.ts';
import { startPlanner } from './planner.ts';
import { publishFolder } from './published-checkpoint.ts';
import { startRole } from './role.ts';
import { makeRunFile } from './run.ts';
import { openServers } from './sampling.ts';
import { sampleUnit } from './sampling-units.ts';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.ts';
import { distanceFrom, distributionOf, firstTokenOf, mostDistance } from './token-shares.ts';

export interface RealServer {
  driver: EngineName;
  /** As in a profile. */
  command: readonly string[];
  /** Whether a request's seed decides its answer. */
  seeds: boolean;
  /** How many processes it has before it serves, that of its keeper among them. */
  processes: number;
}

/** While the checkpoint `one` is served. */
export interface Scene {
  opened: ReturnType<typeof openServers>;
  /** As `openServers` takes it. */
  path: string;
  checkpoints: string;
  one: string;
  two: string;
}

/** Samples of one request do not get in each other's way; a unit's example has so many at most. */
const AT_ONCE = 100;
const ENDED = { timeout: 30_000, interval: 100 };
const STARTED = { timeout: 300_000, interval: 500 };

/** Declares the tests; what `further` declares runs while the first checkpoint is served. */
export function describeServer(
  { driver, command, seeds, processes }: RealServer,
  further: (scene: () => Scene) => void = () => undefined,
): void {
  let folder: TemporaryFolder;
  let opened: Scene['opened'];
  let [one, two] = ['', ''];
  const switching = { by: 'child', command };
  const model = (name: string) => join(inject('models'), name);

  beforeAll(async () => {
    folder = await temporaryFolder();
    const checkpoints = join(folder.path, 'checkpoints');
    one = await publishFolder(checkpoints, model('one'));
    two = await publishFolder(checkpoints, model('two'));
    const url = `http://127.0.0.1:${await freePort()}`;
    opened = openServers({ path: folder.path, checkpoints }, driver, url, { switch: switching });
  });
  afterAll(async () => {
    await opened.close();
    await folder[Symbol.asyncDispose]();
  });

  /** The first tokens of `n` samples. */
  async function firstTokens(
    checkpoint: string,
    n: number,
    settings: { temperature?: number; topK?: number },
  ): Promise<(string | undefined)[]> {
    const { prompt } = firstTokenOf(model('one'));
    const texts: (string | undefined)[] = [];
    while (texts.length < n) {
      const from = texts.length;
      const requests = Array.from({ length: Math.min(AT_ONCE, n - from) }, (_, i) => ({
        temperature: 1,
        ...settings,
        seed: from + i,
      }));
      const unit = sampleUnit(checkpoint, [prompt], requests);
      texts.push(...(await opened.sample({ ...unit, maxTokens: 1 })));
    }
    return texts;
  }

  async function generate(checkpoint: string, settings: readonly object[], maxTokens: number) {
    const { prompt } = firstTokenOf(model('one'));
    const generations = new Map<string, Generation>();
    const unit = { ...sampleUnit(checkpoint, [prompt], settings), maxTokens };
    await opened.sample(unit, generations);
    return [...generations.values()].flatMap((one) => (one.outcome === 'generated' ? [one] : []));
  }

  test('the server is started for a checkpoint, shows by its probe that it serves it, and has a log', async () => {
    await firstTokens(one, 1, {});
    expect(opened.lines.some((line) => line.includes('the server serves the checkpoint'))).toBe(
      true,
    );
    expect(await readFile(join(folder.path, 'servers/gpu-0.log'), 'utf8')).not.toBe('');
  });

  test('samples are distributed as the model says, to the least likely tokens', async () => {
    const first = firstTokenOf(model('one'));
    const expected = distributionOf(first, { temperature: 1, topK: 0 });
    const texts = await firstTokens(one, 2000, {});
    expect(distanceFrom(expected, texts)).toBeLessThan(mostDistance(expected, 2000));
    // What a top-k of 40, a top-p of 0.95 or a min-p of 0.05 left to the server would cut off.
    const unlikely = first.tokens.slice(40);
    const share = unlikely.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0);
    const rare = new Set(unlikely.map(({ text }) => text));
    expect(texts.filter((text) => rare.has(text ?? '')).length / 2000).toBeGreaterThan(share / 2);
  });

  test('top-k cuts off, and temperature sharpens', async () => {
    const first = firstTokenOf(model('one'));
    const topK = clearCut(first.tokens.map(({ logprob }) => logprob));
    for (const settings of [
      { topK, temperature: 1 },
      { topK: 0, temperature: 0.5 },
    ]) {
      const expected = distributionOf(first, settings);
      const texts = await firstTokens(one, 300, settings);
      if (settings.topK > 0)
        expect([...expected.keys()]).toEqual(expect.arrayContaining([...new Set(texts)]));
      expect(distanceFrom(expected, texts)).toBeLessThan(mostDistance(expected, 300));
    }
  });

  test('greedy answers are those of the model, each time', async () => {
    const probe = Probe.parse(JSON.parse(readFileSync(join(model('one'), 'probe.json'), 'utf8')));
    const prompts = probe.map(({ prompt }) => prompt);
    const unit = sampleUnit(one, prompts, [{ temperature: 0 }, { temperature: 0, seed: 5 }]);
    const texts = await opened.sample({ ...unit, maxTokens: 16 });
    expect(texts).toEqual(probe.flatMap(({ text }) => [text, text]));
  });

  test('an answer ends where the model ends it, or after as many tokens as it may have', async () => {
    const settings = Array.from({ length: 60 }, (_, seed) => ({ temperature: 1, seed }));
    const answers = await generate(one, settings, 24);
    const [ended, cut] = ['stop', 'length'].map((why) =>
      answers.filter(({ finish }) => finish === why),
    );
    expect(ended?.length).toBeGreaterThan(5);
    expect(cut?.length).toBeGreaterThan(5);
    expect(new Set(cut?.map(({ tokens }) => tokens))).toEqual(new Set([24]));
    expect(answers.filter(({ text }) => text.includes('</s>'))).toEqual([]);
  });

  test.runIf(seeds)('a seed gives its answer again, and another one another', async () => {
    const settings = Array.from({ length: 40 }, (_, seed) => ({ temperature: 1, seed }));
    const [first, again] = [await generate(one, settings, 8), await generate(one, settings, 8)];
    const same = first.filter(({ candidate, text }) =>
      again.some((other) => other.candidate === candidate && other.text === text),
    );
    // Not all: what is worked together decides in which order numbers are added.
    expect(same.length).toBeGreaterThan(36);
    expect(new Set(first.map(({ text }) => text)).size).toBeGreaterThan(20);
  });

  further(() => ({
    opened,
    path: folder.path,
    checkpoints: join(folder.path, 'checkpoints'),
    one,
    two,
  }));

  test('the next checkpoint takes its place', async () => {
    const [expected, old] = ['two', 'one'].map((name) =>
      distributionOf(firstTokenOf(model(name)), { temperature: 1, topK: 0 }),
    ) as [Map<string, number>, Map<string, number>];
    const texts = await firstTokens(two, 300, {});
    expect(distanceFrom(expected, texts)).toBeLessThan(mostDistance(expected, 300));
    expect(distanceFrom(old, texts)).toBeGreaterThan(mostDistance(old, 300));
  });

  test('killed with -9 it is started again, and nothing of it is left when it is closed', async () => {
    const keeper = keeperOf(folder.path);
    const program = groupOf(keeper).find((pid) => pid !== keeper);
    process.kill(program ?? 0, 'SIGKILL');
    await expect.poll(() => groupOf(keeper), ENDED).toEqual([]);
    const again = () => firstTokens(two, 2, {}).catch(() => undefined);
    await expect.poll(again, STARTED).toHaveLength(2);
    const next = keeperOf(folder.path);
    await opened.close();
    await expect.poll(() => groupOf(next), ENDED).toEqual([]);
  });

  test('nothing of a server that starts outlives a sampler that is killed with -9', async () => {
    const nats = await startNats();
    const planner = await startPlanner(nats.url, makeRunFile());
    const url = `http://127.0.0.1:${await freePort()}`;
    const serverProfile = { driver, url, switch: switching };
    const where = { natsUrl: nats.url, folder: folder.path, serverProfile };
    const sampler = await startRole('sampler', { ...where, peer: 'sampler-1' });
    try {
      const unit = sampleUnit(one, ['The'], [{ seed: 3 }]);
      await planner.offer({ ...unit, run: makeRunFile().run, server: 'local' });
      await expect.poll(() => keeperOf(folder.path), STARTED).toBeGreaterThan(0);
      const keeper = keeperOf(folder.path);
      await expect.poll(() => groupOf(keeper).length, STARTED).toBeGreaterThanOrEqual(processes);
      sampler.kill('SIGKILL');
      await expect.poll(() => groupOf(keeper), ENDED).toEqual([]);
    } finally {
      for (const one of [sampler, planner, nats]) await one[Symbol.asyncDispose]();
    }
  });
}

/** A top-k where the last token that stays is clearly likelier than the first that goes. */
function clearCut(logprobs: readonly number[]): number {
  const gaps = [4, 5, 6, 7, 8].map((k) => ({
    k,
    gap: (logprobs[k - 1] ?? 0) - (logprobs[k] ?? 0),
  }));
  return gaps.reduce((best, one) => (one.gap > best.gap ? one : best)).k;
}
