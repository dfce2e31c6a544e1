import { execFileSync } from 'node:child_process';
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { TrainRequest } from '../../shared/contract/steps.ts';
import { fakeTools } from '../support/fake-tools.ts';
import { fakeTraining } from '../support/fake-training.ts';
import { trainRequest, trainerScene, type TrainerScene } from '../support/trainer-scene.ts';

let scene: TrainerScene;
let env: { PATH: string };

afterEach(async () => {
  await scene[Symbol.asyncDispose]();
});

/** A trainer on whose PATH a fake stands, with one back-end for each mode of the training program. */
async function begin(
  tools: Parameters<typeof fakeTools>[0],
  profile: (mode: string, folder: string) => object,
): Promise<void> {
  scene = await trainerScene((folder) =>
    Object.fromEntries(
      ['ok', 'slow', 'hang', 'crash'].map((mode) => [mode, profile(mode, folder)]),
    ),
  );
  env = await fakeTools(tools, scene.folder);
  await scene.trainer({ env });
}

async function restart(): Promise<void> {
  const last = scene.current();
  last.kill('SIGKILL');
  await last.exited;
  await scene.trainer({ env });
}

interface Filed {
  name: string;
  failure: { class: string; reason: string } | null;
}

async function attempts(): Promise<Filed[]> {
  const text = await readFile(scene.file('attempts.json'), 'utf8').catch(() => '[]');
  return JSON.parse(text) as Filed[];
}

async function until(event: string): Promise<void> {
  await expect.poll(async () => scene.events(), { timeout: 30_000 }).toContain(event);
}

async function startedOnce(): Promise<void> {
  expect((await scene.events()).filter((event) => event === 'started')).toHaveLength(1);
}

const job = (backend: string, changes: Partial<TrainRequest> = {}): TrainRequest =>
  trainRequest(6, { backend, ...changes });
const quick = { pollMs: 100, graceMs: 500 };

describe('a Slurm job', () => {
  const profile = (mode: string) => ({
    launcher: 'slurm',
    command: fakeTraining(mode),
    nodes: 2,
    gpusPerNode: 8,
    partition: 'a100',
    ...quick,
  });
  const jobsInSlurm = async (): Promise<string[]> => readdir(join(scene.folder, 'fake-slurm'));

  test('is published, and told its place by what torchrun reads', async () => {
    await begin('fake-slurm', profile);
    await scene.published(await scene.train(job('ok')));
    expect(await scene.failures()).toEqual([null]);
    expect(await jobsInSlurm()).toEqual(['1.json']);
    const seen = await readFile(scene.file('environment.json'), 'utf8');
    expect(JSON.parse(seen)).toMatchObject({
      PET_NNODES: '2',
      PET_NPROC_PER_NODE: '8',
      PET_RDZV_ENDPOINT: 'node-1:29500',
    });
  });

  test('that waits in the queue is found again by a trainer that was killed, and submitted once', async () => {
    await begin('fake-slurm', profile);
    await writeFile(join(scene.folder, 'fake-slurm/full'), '');
    await scene.start(job('ok'));
    await expect.poll(jobsInSlurm).toContain('1.json');
    await restart();
    await scene.start(job('ok'));
    await restart();
    const outcome = scene.outcome(job('ok'));
    await rm(join(scene.folder, 'fake-slurm/full'));
    await scene.published(await outcome);
    expect(await jobsInSlurm()).toEqual(['1.json']);
  });

  test('that runs goes on while its trainer is killed, or told to stop', async () => {
    await begin('fake-slurm', profile);
    await scene.start(job('slow'));
    await until('saved');
    await restart();
    scene.current().kill('SIGTERM');
    expect(await scene.current().exited).toBe(0);
    await scene.trainer({ env });
    await scene.published(await scene.outcome(job('slow')));
    await startedOnce();
    expect(await jobsInSlurm()).toEqual(['1.json']);
  });

  test('that ends while no trainer runs is published by the next one', async () => {
    await begin('fake-slurm', profile);
    await scene.start(job('slow'));
    await until('saved');
    const last = scene.current();
    last.kill('SIGKILL');
    await last.exited;
    await expect
      .poll(async () => readFile(join(scene.folder, 'fake-slurm/1.json'), 'utf8'))
      .toContain('COMPLETED');
    await scene.trainer({ env });
    await scene.published(await scene.outcome(job('slow')));
    expect(await scene.failures()).toEqual([null]);
  });

  test('that is preempted is requeued by Slurm and resumes as the same attempt', async () => {
    await begin('fake-slurm', profile);
    await scene.start(job('slow'));
    await until('saved');
    control('preempt', (await attempts())[0]?.name ?? '');
    await scene.published(await scene.outcome(job('slow')));
    expect(await scene.events()).toContain('resumed');
    expect(await scene.failures()).toEqual([null]);
  });

  test('whose node dies is submitted again and resumes', async () => {
    await begin('fake-slurm', profile);
    await scene.start(job('slow'));
    await until('saved');
    control('fail', (await attempts())[0]?.name ?? '');
    await scene.published(await scene.outcome(job('slow')));
    expect(await scene.events()).toContain('resumed');
    expect(await scene.failures()).toEqual(['launcher-lost', null]);
  });

  test('is cancelled with its job', async () => {
    await begin('fake-slurm', profile);
    await scene.start(job('slow'));
    await until('saved');
    await scene.cancel(job('slow'));
    expect(await scene.outcome(job('slow'))).toMatchObject({ kind: 'cancelled' });
    expect(await readFile(join(scene.folder, 'fake-slurm/1.json'), 'utf8')).toContain('CANCELLED');
  });

  test('says what Slurm and the program said when it fails', async () => {
    await begin('fake-slurm', profile);
    expect(await scene.train(job('crash'))).toMatchObject({
      kind: 'unknown',
      reason: expect.stringMatching(/Slurm says FAILED, exit code 1:0.*3 attempts/) as string,
    });
  });

  /** What befalls a job in the cluster. */
  function control(what: 'preempt' | 'fail', name: string): void {
    execFileSync(join(scene.folder, 'bin/control'), [what, name]);
  }
});

describe('hosts of a hostfile', () => {
  const profile = (mode: string, folder: string) => ({
    launcher: 'hostfile',
    command: fakeTraining(mode),
    hostfile: join(folder, 'hosts'),
    graceMs: 500,
  });

  test('each get one launcher by ssh, told its place', async () => {
    await begin('fake-ssh', profile);
    await writeFile(join(scene.folder, 'hosts'), 'node-1 slots=8\nnode-2 slots=4 # the old one\n');
    await scene.published(await scene.train(job('ok')));
    const calls = await readFile(join(scene.folder, 'fake-ssh/calls'), 'utf8');
    for (const [rank, slots] of [8, 4].entries())
      expect(calls).toContain(
        `node-${rank + 1} env PET_NNODES=2 PET_NODE_RANK=${rank} PET_NPROC_PER_NODE=${slots} PET_MASTER_ADDR=node-1 PET_MASTER_PORT=29500 `,
      );
  });

  test('that fail end the others, and the attempt', async () => {
    await begin('fake-ssh', profile);
    await writeFile(join(scene.folder, 'hosts'), 'node-1 slots=1\nnode-2 slots=1\n');
    expect(await scene.train(job('crash'))).toMatchObject({ kind: 'unknown' });
    expect(scene.processes()).toEqual([]);
  });

  test.each([
    ['node-1 slots=8\ngone slots=8\n', 'ssh to gone fails: ssh: Could not resolve'],
    ['node-1 slots=8\nnode-1 slots=8\n', 'hosts:2: node-1 is there twice'],
    ['node-1;reboot slots=8\n', 'hosts:1: write a host as'],
  ])('are checked before a job starts: %j', async (hosts, reason) => {
    await begin('fake-ssh', profile);
    await writeFile(join(scene.folder, 'hosts'), hosts);
    expect(await scene.train(job('ok'))).toMatchObject({
      kind: 'not-ready',
      reason: expect.stringContaining(reason) as string,
    });
  });
});

describe('a TrainJob of Kubernetes', () => {
  const profile = (mode: string) => ({
    launcher: 'kubernetes',
    command: fakeTraining(mode),
    gpusPerNode: 8,
    image: 'ghcr.io/example/train:1',
    ...quick,
  });

  test('is published, and goes on while its trainer is killed', async () => {
    await begin('fake-kubectl', profile);
    await scene.start(job('slow'));
    await until('saved');
    await restart();
    await scene.published(await scene.outcome(job('slow')));
    await startedOnce();
    expect(await scene.failures()).toEqual([null]);
  });

  test('is created once the cluster can be reached again', async () => {
    await begin('fake-kubectl', profile);
    await writeFile(join(scene.folder, 'fake-kubectl', 'away'), '');
    await scene.published(await scene.train(job('ok')));
  });

  test('that fails says how its pod ended', async () => {
    await begin('fake-kubectl', profile);
    expect(await scene.train(job('crash'))).toMatchObject({
      reason: expect.stringContaining('exit code 1 Error') as string,
    });
  });

  test('is deleted when it is cancelled', async () => {
    await begin('fake-kubectl', profile);
    await scene.start(job('slow'));
    await until('saved');
    await scene.cancel(job('slow'));
    expect(await scene.outcome(job('slow'))).toMatchObject({ kind: 'cancelled' });
    expect(await readdir(join(scene.folder, 'fake-kubectl'))).toEqual([]);
  });
});

describe('a user’s own commands', () => {
  test('submit a job, tell how it is, and cancel it', async () => {
    // The same fake behind a script of the user, for what it says is JSON.
    await begin('fake-slurm', (mode, folder) => ({
      launcher: 'command',
      submit: [join(folder, 'bin/own'), 'submit', '{name}', ...fakeTraining(mode), '{spec}'],
      status: [join(folder, 'bin/own'), 'status', '{name}'],
      cancel: [join(folder, 'bin/own'), 'cancel', '{name}'],
      ...quick,
    }));
    await scene.start(job('slow'));
    await until('saved');
    await restart();
    await scene.published(await scene.outcome(job('slow')));
    await startedOnce();
    const other = job('hang', { step: 'r2' });
    await scene.start(other);
    await expect.poll(async () => scene.events('r2')).toContain('saved');
    await scene.cancel(other);
    expect(await scene.outcome(other)).toMatchObject({ kind: 'cancelled' });
  });
});
