import { expect, test } from 'vitest';
import { Profiles } from '../../shared/contract/peer.ts';
import { notServedAsAdapters } from '../../shared/contract/served-adapters.ts';
import { makeRunFile } from '../support/run.ts';

const lora = { options: { lora: {} } };
const whole = { options: {} };
const { training } = makeRunFile();
const mixed = { rows: 'rows.jsonl' };

function profiles(by: object | undefined) {
  return Profiles.parse({
    servers: { local: { driver: 'vllm', url: 'http://127.0.0.1:8000', switch: by } },
  });
}

function problem(changes: Parameters<typeof makeRunFile>[0], by: object | undefined) {
  return notServedAsAdapters(makeRunFile(changes), profiles(by));
}

test('rounds that train all weights are refused for a server that is given adapters', () => {
  expect(problem({}, { by: 'lora' })).toMatch(/^training\.options: the rounds train all weights/);
  expect(problem({ training: { ...training, ...whole } }, { by: 'lora' })).toMatch(
    /give the server "local" a switch by child, command or disk/,
  );
});

test('rounds of adapters suit any server, and every other server suits all rounds', () => {
  expect(problem({ training: { ...training, ...lora } }, { by: 'lora' })).toBeUndefined();
  expect(problem({ training: { ...training, ...lora } }, { by: 'disk' })).toBeUndefined();
  expect(problem({}, { by: 'disk' })).toBeUndefined();
  expect(problem({}, undefined)).toBeUndefined();
  expect(problem({ sampling: { server: 'elsewhere' } }, { by: 'lora' })).toBeUndefined();
});

test('a start that trains all weights is served as the model that the adapters of the rounds belong to', () => {
  const start = [{ name: 'mtl', ...mixed, training: whole }];
  expect(problem({ start, training: { ...training, ...lora } }, { by: 'lora' })).toBeUndefined();
  expect(problem({ start, rounds: { max: 0 } }, { by: 'lora' })).toBeUndefined();
});

test('rounds that go on from before such a stage are refused, for theirs would be adapters of another model', () => {
  const stages = (second: object) => ({
    start: [
      { name: 'first', ...mixed },
      { name: 'second', ...mixed, training: second },
    ],
    training: { ...training, ...lora },
    rounds: { max: 2, trainFrom: 'first' },
  });
  expect(problem(stages(whole), { by: 'lora' })).toMatch(
    /^start\.1\.training\.options: .*rounds\.trainFrom: first/,
  );
  expect(problem(stages({}), { by: 'lora' })).toBeUndefined();
  expect(problem(stages(lora), { by: 'lora' })).toBeUndefined();
});
