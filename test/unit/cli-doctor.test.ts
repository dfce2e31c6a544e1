import { expect, test } from 'vitest';
import { findingOf } from '../../coordinator/cli/doctor-trainer.ts';
import { TrainerDescription } from '../../shared/contract/steps.ts';

const gpu = { name: 'NVIDIA A100', memoryBytes: 80 * 1024 ** 3, driver: '550.54' };
const machine = { gpus: [gpu, gpu], memoryBytes: 512 * 1024 ** 3, cores: 64 };

test('a trainer is shown with its GPUs, memory and versions, and what a back-end lacks with what to do', () => {
  const description = TrainerDescription.parse({
    ...machine,
    versions: { deepspeed: { python: '3.11.2', torch: '2.13.0', trl: '' } },
    problems: { tinylm: [], deepspeed: ['python3 lacks trl: install with pip install trl'] },
  });
  expect(findingOf('trainer-1', description)).toEqual({
    check: 'trainer trainer-1',
    ok: false,
    found:
      '2 × NVIDIA A100 (80 GiB, driver 550.54); 64 cores, 512 GiB; deepspeed: python 3.11.2, torch 2.13.0, trl missing',
    fix: 'deepspeed: python3 lacks trl: install with pip install trl',
  });
});

test('one without GPUs that lacks nothing is well, as is one of an older version that names no problems', () => {
  const description = TrainerDescription.parse({ ...machine, gpus: [], versions: {} });
  expect(findingOf('trainer-1', description)).toEqual({
    check: 'trainer trainer-1',
    ok: true,
    found: 'no GPU; 64 cores, 512 GiB',
  });
});
