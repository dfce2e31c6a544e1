import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { claim, release } from '../../agents/trainer/checkpoint/claims.ts';
import {
  importCheckpoint,
  publishCheckpoint,
  verifyCheckpoint,
} from '../../agents/trainer/checkpoint/publish.ts';
import { verifyFolder } from '../../agents/trainer/checkpoint/verify.ts';
import { jobFolder, sweepJobs, writeOutcome } from '../../agents/trainer/job/folder.ts';
import { launcherOf } from '../../agents/trainer/launch/launchers.ts';
import { problemsBefore } from '../../agents/trainer/launch/preflight.ts';
import { GoneError } from '../../shared/contract/failure.ts';
import { TrainerProfile } from '../../shared/contract/trainer-profile.ts';
import { safetensors } from '../support/safetensors.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const lineage = { parent: null, dataset: null, training: null };
const removed = { run: 'one', round: 3 };

/** An output, and a folder of checkpoints in which runs publish it. */
async function scene() {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const output = join(folder.path, 'output');
  await mkdir(output);
  await writeFile(join(output, 'model.safetensors'), safetensors({ a: [1, 2] }));
  await writeFile(join(output, 'probe.json'), '[]');
  const checkpoints = join(folder.path, 'checkpoints');
  return {
    folder: folder.path,
    checkpoints,
    publish: (run: string) => publishCheckpoint(output, checkpoints, lineage, run),
    filesOf: async (digest: string) => (await readdir(join(checkpoints, digest))).sort(),
  };
}

test('a checkpoint that its only run releases loses its weights, and says who removed it and when', async () => {
  const { checkpoints, publish, filesOf } = await scene();
  const digest = await publish('one');
  await release(checkpoints, digest, removed);
  expect(await filesOf(digest)).toEqual(['manifest.json', 'probe.json', 'removed.json']);
  const folder = join(checkpoints, digest);
  const words = `checkpoint ${digest} was removed after round 3 of run one`;
  await expect(verifyCheckpoint(checkpoints, digest)).rejects.toThrow(GoneError);
  await expect(verifyFolder(folder)).rejects.toThrow(words);
  await expect(importCheckpoint(folder, join(checkpoints, 'other'), 'two')).rejects.toThrow(words);
  const profile = TrainerProfile.parse({ command: ['node'] });
  expect(
    await problemsBefore({
      profile,
      launcher: launcherOf(profile),
      model: folder,
      chat: undefined,
      folders: [],
    }),
  ).toEqual([expect.stringContaining(words)]);
});

test('its adapter goes with the weights that it was merged into', async () => {
  const { folder, checkpoints, publish, filesOf } = await scene();
  await mkdir(join(folder, 'output/adapter'));
  await writeFile(join(folder, 'output/adapter/adapter_config.json'), '{}');
  const digest = await publish('one');
  expect(await filesOf(digest)).toContain('adapter');
  await release(checkpoints, digest, removed);
  expect(await filesOf(digest)).toEqual(['manifest.json', 'probe.json', 'removed.json']);
});

test('what another run published, or has named in its file, stays until that one releases it too', async () => {
  const { checkpoints, publish } = await scene();
  const digest = await publish('one');
  expect(await publish('two')).toBe(digest);
  await claim(checkpoints, digest, 'three');
  await release(checkpoints, digest, removed);
  await release(checkpoints, digest, removed);
  await release(checkpoints, digest, { run: 'two', round: 1 });
  await verifyCheckpoint(checkpoints, digest);
  await release(checkpoints, digest, { run: 'three', round: 5 });
  await expect(verifyCheckpoint(checkpoints, digest)).rejects.toThrow('round 5 of run three');
});

test('a removal that a kill cut short goes on when it is asked for again, and keeps its first words', async () => {
  const { checkpoints, publish, filesOf } = await scene();
  const digest = await publish('one');
  await release(checkpoints, digest, removed);
  await writeFile(join(checkpoints, digest, 'model.safetensors'), 'what the kill has left');
  await release(checkpoints, digest, { run: 'one', round: 4 });
  expect(await filesOf(digest)).toEqual(['manifest.json', 'probe.json', 'removed.json']);
  await expect(verifyCheckpoint(checkpoints, digest)).rejects.toThrow('after round 3 of run one');
});

test('a removed checkpoint that a run makes again is whole again', async () => {
  const { checkpoints, publish } = await scene();
  const digest = await publish('one');
  await release(checkpoints, digest, removed);
  expect(await publish('two')).toBe(digest);
  await verifyFolder(join(checkpoints, digest));
  await release(checkpoints, digest, removed);
  await verifyFolder(join(checkpoints, digest));
});

test('nothing is removed that was there before runs claimed what they need, nor what is not there', async () => {
  const { checkpoints, publish } = await scene();
  const digest = await publish('long-ago');
  await rm(join(checkpoints, '.claims'), { recursive: true });
  await publish('one');
  await release(checkpoints, digest, removed);
  await verifyFolder(join(checkpoints, digest));
  const elsewhere = 'f'.repeat(64);
  await release(checkpoints, elsewhere, removed);
  expect(existsSync(join(checkpoints, elsewhere))).toBe(false);
});

test('of a job that is published its records stay; one that is not done keeps all', async () => {
  const { folder } = await scene();
  const jobs = join(folder, 'jobs');
  const done = { outcome: 'published', checkpoint: 'f'.repeat(64), parent: null } as const;
  const failed = { outcome: 'failed', kind: 'oom', reason: 'too large' } as const;
  const result = {
    status: 'completed',
    steps: 1,
    loss: 1,
    dev: null,
    tokens: 1,
    output: 'output',
  };
  for (const [step, outcome] of [
    ['r1', done],
    ['r2', failed],
  ] as const) {
    const job = jobFolder(jobs, { run: 'one', step });
    for (const name of ['dataset', 'dev', 'output', 'state'])
      await mkdir(join(job.path, name, 'deep'), { recursive: true });
    await writeFile(job.result, JSON.stringify(result));
    await writeFile(job.progress, '');
    await writeFile(join(job.path, 'optimizer.bin'), '');
    await writeOutcome(job, outcome);
  }
  await sweepJobs(jobs);
  expect((await readdir(join(jobs, 'one/r1'))).sort()).toEqual([
    'outcome.json',
    'progress.jsonl',
    'train_result.json',
  ]);
  expect(await readdir(join(jobs, 'one/r2'))).toHaveLength(8);
});
