import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { verifyFolder } from '../../agents/trainer/checkpoint/verify.ts';
import { readChatTemplate } from '../../shared/chat/read.ts';
import { TrainingOptions } from '../../shared/contract/training-options.ts';
import { trainerScene, trainRequest } from '../support/trainer-scene.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const python = process.env['RESET_PYTHON'] ?? 'python3';
const launch = ['-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2'];
const program = join(root, 'agents/trainer/deepspeed/train.py');
const PATIENCE = { timeout: 480_000, interval: 100 };

test('a trainer that is killed with -9 finds its DeepSpeed job again, and publishes what it leaves', async () => {
  await using scene = await trainerScene(() => ({
    deepspeed: { command: [python, ...launch, program] },
  }));
  const base = join(scene.folder, 'llama-small');
  execFileSync(python, [join(root, 'test/deepspeed/small_llama.py'), base]);
  const { training } = trainRequest(40);
  const options = TrainingOptions.parse({ gradientCheckpointing: false, lora: { rank: 4 } });
  const job = trainRequest(40, {
    backend: 'deepspeed',
    from: { kind: 'folder', path: base },
    chat: readChatTemplate(base),
    training: { ...training, saveEverySteps: 5, options },
  });
  const first = await scene.trainer();
  await scene.start(job);
  await expect.poll(() => scene.events(), PATIENCE).toContain('saved');
  first.kill('SIGKILL');
  await first.exited;
  await scene.trainer();
  const checkpoint = await scene.published(await scene.outcome(job));
  expect((await scene.events()).filter((event) => event === 'started')).toEqual(['started']);
  const result: unknown = JSON.parse(await readFile(scene.file('train_result.json'), 'utf8'));
  expect(result).toMatchObject({ status: 'completed', steps: 40 });
  const { files } = await verifyFolder(join(scene.checkpoints, checkpoint));
  expect(files.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['adapter/adapter_config.json', 'adapter/adapter_model.safetensors']),
  );
  expect(await readFile(join(scene.checkpoints, checkpoint, 'README.md'), 'utf8')).toContain(
    'base_model: llama-small',
  );
});
