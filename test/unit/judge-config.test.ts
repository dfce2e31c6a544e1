import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { carries, lanesFor, readJudgeConfig } from '../../agents/judges/config.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const least = { RESET_PEER: 'judge-1', RESET_STATE: '/state', RESET_CHECKPOINTS: '/checkpoints' };
const gpt = { name: 'gpt', axis: 'instruction', type: 'rules', provider: 'openai' } as const;
const span = { name: 'span', axis: 'faithfulness', type: 'span-coverage' } as const;

test('a judge works for every judge that it can, or only for those that it is told', () => {
  const all = readJudgeConfig(least);
  expect(carries(all, span)).toBe(true);
  expect(carries(all, gpt)).toBe(false);
  const some = readJudgeConfig({ ...least, RESET_JUDGES: 'gpt,other' });
  expect(carries(some, span)).toBe(false);
  expect(carries(some, { ...span, name: 'other' })).toBe(true);
});

test('a name that no judge can have is refused', () => {
  expect(() => readJudgeConfig({ ...least, RESET_JUDGES: 'gpt, span' })).toThrow(/RESET_JUDGES/);
});

test('a judge with an engine behind it has as many units in hand as the engine takes requests', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'profiles.yaml');
  writeFileSync(file, 'providers: { openai: { url: "http://127.0.0.1:9/v1", concurrency: 3 } }');
  const config = readJudgeConfig({ ...least, RESET_PROFILES: file });
  expect(lanesFor(config, gpt)).toBe(3);
  expect(lanesFor(config, { ...span, nli: 'deberta' })).toBe(8);
  expect(lanesFor(config, span)).toBeUndefined();
});
