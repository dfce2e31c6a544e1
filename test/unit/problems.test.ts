import { expect, test } from 'vitest';
import { Row } from '../../shared/contract/example.ts';
import { problemsOf } from '../../shared/contract/problems.ts';
import { JudgeSpec, RunFile, StartStage } from '../../shared/contract/run-file.ts';

function problems(schema: typeof RunFile | typeof JudgeSpec | typeof Row, value: unknown): string {
  const parsed = schema.safeParse(value);
  return parsed.success ? 'none' : problemsOf(parsed.error);
}

const file = {
  run: 'demo',
  seed: 1,
  model: { base: 'scratch', template: 'plain' },
  sampling: { server: 'local' },
  datasets: [{ name: 'nq', kind: 'extractive_qa', train: 'nq.jsonl' }],
  judges: [{ name: 'em', axis: 'task', type: 'exact-match' }],
  training: { backend: 'local', learningRate: 1e-3, batchSize: 8 },
  rounds: { max: 2 },
};

test('an unknown key of a run file is refused with the nearest known one', () => {
  expect(problems(RunFile, file)).toBe('none');
  expect(problems(RunFile, { ...file, sede: 2 })).toBe(
    'unknown key "sede", the nearest known one is "seed"',
  );
  expect(problems(RunFile, { ...file, rounds: { max: 2, patiense: 1 } })).toBe(
    'rounds: unknown key "patiense", the nearest known one is "patience"',
  );
});

test('a closed object stays closed when its keys become optional', () => {
  const parsed = StartStage.safeParse({ name: 'mtl', training: { batchsize: 3 } });
  expect(parsed.success ? 'none' : problemsOf(parsed.error)).toContain('"batchSize"');
});

test('options of a known type of judge are checked where the run file is read', () => {
  const judge = { name: 'span', axis: 'faithfulness', type: 'span-coverage' };
  expect(problems(JudgeSpec, { ...judge, reading: 'squad-words' })).toBe('none');
  expect(problems(JudgeSpec, { ...judge, readng: 'squad-words' })).toBe(
    'unknown key "readng", the nearest known one is "reading"',
  );
  expect(problems(JudgeSpec, { ...judge, reading: 'mine' })).toContain('reading: ');
});

test('only a judge of faithfulness can be held out, and its options are checked beside that key', () => {
  const watch = { name: 'watch', axis: 'faithfulness', type: 'span-coverage', heldOut: true };
  expect(problems(JudgeSpec, watch)).toBe('none');
  expect(problems(JudgeSpec, { ...watch, axis: 'task', type: 'exact-match' })).toContain(
    'heldOut: only a judge of faithfulness can be held out, this one measures task',
  );
});

test('options of a type that only some peers know are left to them', () => {
  const judge = { name: 'mine', axis: 'instruction', type: 'my-own', depth: 3 };
  expect(problems(JudgeSpec, judge)).toBe('none');
});

test('a row may say null where a field does not apply, and its constraints are checked', () => {
  const row = { id: 1, instruction: 'Say x.', context: null, question: null };
  expect(Row.parse({ ...row, references: null, constraints: null })).toMatchObject({
    references: [],
  });
  expect(problems(Row, { ...row, constraints: [{ type: 'case', valu: 'upper' }] })).toContain(
    'constraints.0: unknown key "valu", the nearest known one is "value"',
  );
});
