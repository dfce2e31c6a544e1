import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { sizes } from '../../deploy/demo/world/world.ts';
import { RunFile } from '../../shared/contract/run-file.ts';

function read(name: string): RunFile {
  return RunFile.parse(parse(readFileSync(`deploy/demo/${name}.yaml`, 'utf8')));
}

test('the control differs from the demo only in what is kept', () => {
  const { run, select, ...rest } = read('control');
  const { run: demo, select: best, ...same } = read('reset');
  expect(rest).toEqual(same);
  expect([demo, best.policy, run, select.policy]).toEqual(['demo', 'best', 'control', 'random']);
});

test('each preset has enough rows for its rounds, and the demo shows no pre-training row twice', () => {
  for (const [name, size] of [
    ['reset', 'demo'],
    ['drill', 'drill'],
  ] as const)
    for (const { train, perRound } of read(name).datasets)
      if (train !== undefined) expect(perRound).toBeLessThanOrEqual(sizes[size].context.train);
  const { steps = 0, batchSize = 0 } = read('reset').start[0]?.training ?? {};
  expect(steps * batchSize).toBe(sizes.demo.pretrain);
});
