/** The standard stack: a Llama that DeepSpeed trains and vLLM serves, both on the CPUs of this machine. It takes about an hour a seed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Profiles } from '../../../shared/contract/peer.ts';
import { packageRoot } from '../../local/paths.ts';
import { freePort } from '../../local/ports.ts';
import { writeBase } from '../llama/base.ts';
import type { Engine, SizeName } from './engines.ts';
import { type RunFileInput, shortPlanOf } from './plan.ts';
import { comparisonsOf } from './targets.ts';

/** Training processes, each of one thread: gradients are summed once a step, threads wait for each other many times. */
const PROCESSES = 2;

const pace = { schedule: 'constant-linear', weightDecay: 0.02 } as const;

const settings = {
  full: {
    start: [
      {
        name: 'pretrain',
        rows: 'world/pretrain.jsonl',
        training: { ...pace, steps: 350, batchSize: 48, learningRate: 3e-3, warmupRatio: 0.05 },
      },
      {
        name: 'mtl',
        training: { ...pace, steps: 400, batchSize: 48, learningRate: 2e-3 },
      },
    ],
    training: { learningRate: 4e-4, batchSize: 32, epochs: 1, weightDecay: 0.02 },
    rounds: 2,
  },
  small: {
    start: [
      {
        name: 'pretrain',
        rows: 'world/pretrain.jsonl',
        training: { ...pace, steps: 30, batchSize: 16, learningRate: 3e-3 },
      },
      { name: 'mtl', training: { ...pace, steps: 10, batchSize: 16, learningRate: 2e-3 } },
    ],
    training: { learningRate: 1e-3, batchSize: 16, epochs: 1 },
    rounds: 1,
  },
} satisfies Record<SizeName, object>;

export const deepspeed: Engine = {
  seeds: { full: [101], small: [101] },
  settle: (demo, size): RunFileInput => {
    const { start, training, rounds } = settings[size];
    return {
      ...demo,
      model: { base: 'base', template: 'plain' },
      start,
      sampling: { ...demo.sampling, server: 'vllm' },
      training: {
        ...training,
        backend: 'deepspeed',
        // Float32: CPUs without instructions for bfloat16 take longer for it.
        options: { zero: 2, bf16: false, gradientCheckpointing: false },
      },
      rounds: { ...demo.rounds, max: rounds, patience: rounds },
    };
  },
  plan: shortPlanOf,
  comparisons: comparisonsOf.deepspeed,
  prepare: (folder, { seed, size }) =>
    writeBase(join(folder, 'base'), {
      world: join(folder, 'world'),
      seed,
      size: size === 'full' ? 'demo' : 'drill',
    }),
  profiles: async () => {
    const torchrun = installed('.reset-loop-python/bin/torchrun', 'setup:deepspeed');
    const python = installed('.reset-loop-servers/bin/python', 'setup:servers');
    const url = `http://127.0.0.1:${await freePort(undefined)}`;
    return Profiles.parse({
      servers: {
        vllm: { driver: 'vllm', url, switch: { by: 'child', command: vllm(python) } },
      },
      trainers: {
        deepspeed: {
          command: [
            torchrun,
            '--standalone',
            '--nproc-per-node',
            String(PROCESSES),
            join(packageRoot, 'agents/trainer/deepspeed/train.py'),
          ],
          microBatch: 8,
        },
      },
    });
  },
};

function installed(program: string, script: string): string {
  const path = join(packageRoot, program);
  if (existsSync(path)) return path;
  throw new Error(`--engine deepspeed needs ${path}: npm run ${script} installs it`);
}

/** One start a checkpoint. Nothing is compiled for it, which would take longer than what it saves; a second thread would wait for the first at every operation. */
function vllm(python: string): string[] {
  return [
    'env',
    'VLLM_CPU_KVCACHE_SPACE=1',
    'VLLM_CPU_OMP_THREADS_BIND=nobind',
    'VLLM_NO_USAGE_STATS=1',
    'OMP_NUM_THREADS=1',
    'HF_HUB_OFFLINE=1',
    python,
    '-m',
    'vllm.entrypoints.openai.api_server',
    '--model',
    '{checkpoint}',
    '--served-model-name',
    '{name}',
    '--host',
    '{host}',
    '--port',
    '{port}',
    '--generation-config',
    'vllm',
    // In bfloat16 it can end with an illegal instruction on CPUs that have AMX.
    '--dtype',
    'float32',
    '--max-num-seqs',
    '256',
    '--max-num-batched-tokens',
    '8192',
    // A prompt that is read in parts ends the engine on CPUs when its request has a seed.
    '--no-enable-chunked-prefill',
    '--enforce-eager',
  ];
}
