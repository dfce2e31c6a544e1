import { cp, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TrainerDescription, type TrainRequest } from '../../shared/contract/steps.ts';
import { trainerClient, unary } from '../../shared/rpc/client.ts';
import { fakeTraining } from '../support/fake-training.ts';
import { trainRequest, trainerScene, type TrainerScene } from '../support/trainer-scene.ts';

const { signal } = new AbortController();
const WITHIN = { timeout: 20_000 };

/** What a program may do, each as a back-end of its own. */
const modes = [
  'ok',
  'slow',
  'nan',
  'oom',
  'crash',
  'crash-once',
  'silent',
  'orphaning-once',
  'torn',
  'extra',
  'wrong-base',
] as const;

let scene: TrainerScene;
let number = 0;

/** A job of its own for each test. */
function job(backend: string, steps = 4): TrainRequest {
  number += 1;
  return trainRequest(steps, { backend, step: `r${number}` });
}

beforeAll(async () => {
  const profile = (mode: string) => ({
    command: fakeTraining(mode),
    stallMs: 60_000,
    graceMs: 500,
  });
  scene = await trainerScene(() => ({
    ...Object.fromEntries(modes.map((mode) => [mode, profile(mode)])),
    'hang-once': { ...profile('hang-once'), stallMs: 4000 },
    halved: { ...profile('oom'), microBatch: 4 },
    large: { ...profile('oom'), microBatch: 16 },
    deaf: { ...profile('hang'), graceMs: 3000 },
    missing: { command: ['torchrun-that-is-not-here', 'train.py'] },
    python: {
      ...profile('ok'),
      python: { path: 'python3', packages: ['no-such-package-here>=2.4'] },
    },
  }));
  await scene.trainer();
});

afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

describe('a program on this machine', () => {
  test('that does what it should is published', async () => {
    const one = job('ok');
    await scene.published(await scene.train(one));
    expect(await scene.failures(one.step)).toEqual([null]);
  });

  const endings: [string, string, string, number][] = [
    ['nan', 'nan', 'loss is NaN', 1],
    ['oom', 'oom', 'Give the trainer profile a microBatch', 1],
    ['large', 'oom', 'Half the micro-batch was too much as well', 2],
    ['crash', 'unknown', 'no such optimizer', 3],
    ['silent', 'unknown', 'left no train_result.json', 3],
    ['wrong-base', 'unknown', 'result of another spec', 3],
  ];
  test.each(endings)(
    'in mode %s fails as %s, after as many attempts as can help',
    async (backend, kind, reason, count) => {
      const one = job(backend);
      expect(await scene.train(one)).toMatchObject({
        outcome: 'failed',
        kind,
        reason: expect.stringContaining(reason) as string,
      });
      expect(await scene.failures(one.step)).toEqual(Array.from({ length: count }, () => kind));
    },
  );

  const recoveries: [string, string][] = [
    ['halved', 'oom'],
    ['hang-once', 'stalled'],
    ['crash-once', 'unknown'],
    ['orphaning-once', 'launcher-lost'],
  ];
  test.each(recoveries)('in mode %s fails once as %s, and then succeeds', async (backend, kind) => {
    const one = job(backend);
    await scene.published(await scene.train(one));
    expect(await scene.failures(one.step)).toEqual([kind, null]);
    expect(scene.processes(one.step)).toEqual([]);
  });

  test.each([
    ['torn', 'no safe checkpoint file'],
    ['extra', 'optimizer.pt'],
  ])('whose output is %s publishes nothing', async (backend, reason) => {
    const before = await readdir(scene.checkpoints);
    expect(await scene.train(job(backend))).toMatchObject({
      kind: 'bad-checkpoint',
      reason: expect.stringContaining(reason) as string,
    });
    expect(await readdir(scene.checkpoints)).toEqual(before);
  });

  test('goes on when its keeper is killed: what is left is ended and the job resumed', async () => {
    const one = job('slow', 8);
    await scene.start(one);
    await expect.poll(async () => scene.events(one.step)).toContain('saved');
    const keeper = scene.processes(one.step).find(({ words }) => words[1]?.endsWith('keep.js'));
    process.kill(keeper?.pid ?? 0, 'SIGKILL');
    await scene.published(await scene.outcome(one));
    expect(await scene.failures(one.step)).toEqual(['launcher-lost', null]);
    expect((await scene.events(one.step)).filter((event) => event === 'started')).toHaveLength(1);
  });

  test.each([
    ['missing', 'there is no program torchrun-that-is-not-here here: install it'],
    ['python', "python3 -m pip install 'no-such-package-here>=2.4'"],
  ])(
    'of the profile %s is not started, and the reason says what to install',
    async (backend, fix) => {
      const one = job(backend);
      expect(await scene.train(one)).toMatchObject({
        kind: 'not-ready',
        reason: expect.stringContaining(fix) as string,
      });
      expect(await scene.events(one.step)).toEqual([]);
    },
  );

  test('that is slow to end when it is cancelled keeps nobody waiting but who watches it', async () => {
    const one = job('deaf');
    await scene.start(one);
    await expect.poll(async () => scene.events(one.step), WITHIN).toContain('saved');
    await scene.cancel(one);
    expect(scene.processes(one.step)).not.toEqual([]);
    expect(await scene.outcome(one)).toMatchObject({ outcome: 'failed', kind: 'cancelled' });
    expect(scene.processes(one.step)).toEqual([]);
  });

  test('does not load a model that may carry code', async () => {
    const model = join(scene.folder, 'model');
    const checkpoint = await scene.published(await scene.train(job('ok')));
    await cp(join(scene.checkpoints, checkpoint), model, { recursive: true });
    await writeFile(join(model, 'tokenizer.json'), Buffer.from([0x80, 0x04, 0x95]));
    const one = { ...job('ok'), from: { kind: 'folder' as const, path: model } };
    expect(await scene.train(one)).toMatchObject({
      kind: 'not-ready',
      reason: expect.stringContaining('tokenizer.json') as string,
    });
  });

  test('of a model that is not there says where its path is written', async () => {
    const one = { ...job('ok'), from: { kind: 'folder' as const, path: '/nowhere/llama' } };
    expect(await scene.train(one)).toMatchObject({
      kind: 'not-ready',
      reason: expect.stringMatching(/\/nowhere\/llama.*model\.base/) as string,
    });
  });

  test('runs on a machine that the trainer can describe', async () => {
    const client = trainerClient(scene.address());
    const described = await unary(client.describe.bind(client), {}, { deadlineMs: 15_000, signal });
    client.close();
    const machine = TrainerDescription.parse(JSON.parse(described.machine));
    expect(described.backends).toContain('slow');
    expect(machine.cores).toBeGreaterThan(0);
    expect(machine.versions['python']).toMatchObject({
      python: expect.stringMatching(/^3\./) as string,
      'no-such-package-here': '',
    });
    expect(machine.problems['ok']).toEqual([]);
    expect(machine.problems['missing']?.join()).toContain('no program torchrun-that-is-not-here');
    expect(machine.problems['python']?.join()).toContain('no-such-package-here');
  });
});

describe('a trainer that is killed with -9', () => {
  test.each(['while its program runs', 'with its program', 'with its keeper'])(
    '%s ends with one checkpoint and no orphan',
    async (when) => {
      const one = job('slow', 8);
      await scene.start(one);
      await expect.poll(async () => scene.events(one.step)).toContain('saved');
      const trainer = scene.current();
      trainer.kill('SIGKILL');
      for (const { pid, words } of scene.processes(one.step)) {
        const isKeeper = words[1]?.endsWith('keep.js') === true;
        if (when === (isKeeper ? 'with its keeper' : 'with its program'))
          process.kill(pid, 'SIGKILL');
      }
      await trainer.exited;
      await scene.trainer();
      await scene.published(await scene.outcome(one));
      expect((await scene.events(one.step)).filter((event) => event === 'started')).toHaveLength(1);
      expect(scene.processes(one.step)).toEqual([]);
    },
  );

  const effects = ['trainer.spec.rename', 'trainer.attempts.rename', 'trainer.outcome.rename'];
  test.each(effects.flatMap((effect) => [`${effect}.before`, `${effect}.after`]))(
    'at %s goes on where it stood',
    async (failpoint) => {
      const one = job('ok');
      const last = scene.current();
      last.kill('SIGKILL');
      await last.exited;
      const dying = await scene.trainer({ env: { RESET_FAILPOINTS: `${failpoint}=kill` } });
      await scene.start(one);
      await dying.exited;
      await scene.trainer();
      await scene.published(await scene.outcome(one));
      expect(await scene.failures(one.step)).toEqual([null]);
    },
  );
});
