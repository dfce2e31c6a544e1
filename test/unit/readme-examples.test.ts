import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { Profiles } from '../../shared/contract/peer.ts';
import { RunFile } from '../../shared/contract/run-file.ts';

const readme = readFileSync('README.md', 'utf8');

/** The blocks of YAML under a heading, whatever its level. */
function blocksOf(heading: string): string[] {
  const [, section = ''] = readme.split(new RegExp(`^#+ ${heading}$`, 'm'));
  const own = section.split(/^#+ /m)[0] ?? '';
  return [...own.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, block = '']) => block);
}

const example = (name: string) => readFileSync(`deploy/examples/one-node/${name}.yaml`, 'utf8');
/** Of a YAML text, as it is meant. */
const meaning = (text: string): unknown => parse(text);

test('the run file and the profiles of one node stand in the README as in the examples', () => {
  const [run = '', profiles = '', ...others] = blocksOf('One node with vLLM and DeepSpeed');
  expect(meaning(run)).toEqual(meaning(example('run')));
  expect(meaning(profiles)).toEqual(meaning(example('profiles')));
  expect(others).toEqual([]);
});

test('one node: what the run file names is in the profiles, and no GPU is in both hands', () => {
  const { sampling, training } = RunFile.parse(meaning(example('run')));
  const { servers, trainers } = Profiles.parse(meaning(example('profiles')));
  const server = servers[sampling.server]?.switch;
  const trainer = trainers[training.backend];
  const gpusOf = (command: readonly string[]) =>
    /CUDA_VISIBLE_DEVICES=(\S+)/.exec(command.join(' '))?.[1]?.split(',') ?? [];
  if (server?.by !== 'child' || trainer?.launcher !== 'local') throw new Error('both are here');
  const [sampled, trained] = [gpusOf(server.command), gpusOf(trainer.command)];
  expect(new Set([...sampled, ...trained]).size).toBe(sampled.length + trained.length);
  expect(server.command).toContain(`--data-parallel-size=${sampled.length}`);
  expect(trainer.command).toContain(`--nproc-per-node=${trained.length}`);
  // Rows a step = what a process takes at once × accumulation × processes.
  expect((training.batchSize / trained.length) % (trainer.microBatch ?? 1)).toBe(0);
});

test('every other block about servers and trainers is one that the peers take', () => {
  const sections = ['Train with DeepSpeed', 'A model server', 'A training back-end'];
  const profiles = sections
    .flatMap(blocksOf)
    .map(meaning)
    .filter((block) => ['servers', 'trainers'].some((key) => key in (block as object)));
  expect(profiles.length).toBeGreaterThanOrEqual(3);
  for (const block of profiles) expect(() => Profiles.parse(block)).not.toThrow();
});
