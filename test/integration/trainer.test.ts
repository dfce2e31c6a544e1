import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JobProcess } from '../../agents/trainer/launch/processes.ts';
import { readChatTemplate } from '../../shared/chat/read.ts';
import { checkpointClient, readStream } from '../../shared/rpc/client.ts';
import { writeChatModel } from '../support/chat-models.ts';
import { safetensors } from '../support/safetensors.ts';
import {
  trainRequest as request,
  trainerScene,
  type TrainerScene,
} from '../support/trainer-scene.ts';

const tinylm = [
  process.execPath,
  fileURLToPath(new URL('../../shared/tinylm/main.js', import.meta.url)),
  'train',
];
const { signal } = new AbortController();

let scene: TrainerScene;

beforeEach(async () => {
  scene = await trainerScene(() => ({ tinylm: { command: tinylm } }));
});

afterEach(async () => {
  await scene[Symbol.asyncDispose]();
});

/** The training programs of the job, without the process that keeps them. */
function programs(): JobProcess[] {
  return scene.processes().filter(({ words }) => words.includes('train'));
}

async function untilSaved(): Promise<void> {
  await expect.poll(async () => scene.events(), { timeout: 20_000 }).toContain('saved');
}

describe('a trainer', () => {
  test('carries a job to a published checkpoint, and serves its files from any offset', async () => {
    await scene.trainer();
    await scene.start(request(5));
    const checkpoint = await scene.published(await scene.train(request(5)));
    const client = checkpointClient(scene.address());
    const whole = await readFile(join(scene.checkpoints, checkpoint, 'model.safetensors'));
    const bytes: Buffer[] = [];
    const fetch = { checkpoint, path: 'model.safetensors', offset: 100 };
    for await (const { chunk } of readStream(() => client.fetch(fetch), { signal }))
      bytes.push(Buffer.from(chunk));
    client.close();
    expect(Buffer.concat(bytes).equals(whole.subarray(100))).toBe(true);
  });

  test('that is killed with -9 finds its program again and starts no second one; the checkpoint is that of an undisturbed job', async () => {
    const first = await scene.trainer();
    const job = request(800);
    await scene.start(job);
    await untilSaved();
    first.kill('SIGKILL');
    await first.exited;
    expect(programs()).toHaveLength(1);
    await scene.trainer();
    const disturbed = await scene.published(await scene.outcome(job));
    expect((await scene.events()).filter((event) => event === 'started')).toEqual(['started']);
    const again = { ...job, step: 'r2' };
    expect(await scene.published(await scene.train(again))).toBe(disturbed);
  });

  test('that is told to stop ends its program too, and the next one resumes the job', async () => {
    const first = await scene.trainer();
    const job = request(1500);
    await scene.start(job);
    await untilSaved();
    first.kill('SIGTERM');
    expect(await first.exited).toBe(0);
    expect(scene.processes()).toEqual([]);
    await scene.trainer();
    await scene.published(await scene.outcome(job));
    expect(await scene.events()).toContain('resumed');
  });

  test('starts a killed program again, which goes on from its own state', async () => {
    await scene.trainer();
    const job = request(1500);
    await scene.start(job);
    await untilSaved();
    process.kill(programs()[0]?.pid ?? 0, 'SIGKILL');
    await scene.published(await scene.outcome(job));
    expect(await scene.events()).toContain('resumed');
  });

  test('cancels a job and its program for good', async () => {
    await scene.trainer();
    await scene.start(request(100_000));
    await untilSaved();
    await scene.cancel(request(100_000));
    expect(await scene.outcome(request(100_000))).toMatchObject({
      outcome: 'failed',
      kind: 'cancelled',
    });
    expect(scene.processes()).toEqual([]);
  });

  test('that is killed when it is asked to cancel a job ends its program once it is back', async () => {
    const env = { RESET_FAILPOINTS: 'job.cancel.rename.after=kill' };
    const first = await scene.trainer({ env });
    const job = request(100_000);
    await scene.start(job);
    await untilSaved();
    await expect(scene.cancel(job)).rejects.toThrow();
    await first.exited;
    expect(programs()).toHaveLength(1);
    await scene.trainer();
    await expect.poll(() => scene.processes(), { timeout: 20_000 }).toEqual([]);
    expect(await scene.outcome(job)).toMatchObject({ outcome: 'failed', kind: 'cancelled' });
  });

  test('says which request is in the way when a step is asked for with another one, and which back-end it lacks', async () => {
    await scene.trainer();
    await scene.start(request(5));
    await expect(scene.start(request(6))).rejects.toThrow('started with another request');
    await expect(scene.start(request(5, { step: 'r3', backend: 'deepspeed' }))).rejects.toThrow(
      'no back-end deepspeed',
    );
  });

  test('refuses a model that chats in another way than the run, before it trains it and before it publishes it', async () => {
    await scene.trainer();
    const path = join(scene.folder, 'chats');
    await mkdir(path);
    await writeFile(join(path, 'model.safetensors'), safetensors({ weight: [1] }));
    writeChatModel(path, 'inst');
    const chat = readChatTemplate(path);
    writeChatModel(path, 'vicuna');
    const from = { kind: 'folder' as const, path };
    for (const [kind, job] of [
      ['not-ready', request(5, { from, chat })],
      ['bad-checkpoint', request(5, { step: 'start-0', dataset: null, from, chat })],
    ] as const)
      expect(await scene.train(job)).toMatchObject({
        outcome: 'failed',
        kind,
        reason: `${path} has another chat template (source) than the run was started with: put its tokenizer files back, or start a run of another name`,
      });
    expect(await readdir(scene.checkpoints)).toEqual([]);
    const given = request(5, {
      step: 'start-1',
      dataset: null,
      from,
      chat: readChatTemplate(path),
    });
    await scene.published(await scene.train(given));
  });

  test('says before it starts that a model cannot be read, and publishes nothing', async () => {
    await scene.trainer();
    expect(
      await scene.train(request(5, { from: { kind: 'folder', path: '/nowhere' } })),
    ).toMatchObject({
      outcome: 'failed',
      kind: 'not-ready',
      reason: expect.stringContaining('/nowhere') as string,
    });
    expect(await readdir(scene.checkpoints)).toEqual([]);
  });
});
