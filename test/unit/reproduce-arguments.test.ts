import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { readArguments } from '../../deploy/demo/reproduce/arguments.ts';
import { createEta } from '../../deploy/demo/reproduce/eta.ts';

test('without a word three seeds run at full size in a folder of their own', () => {
  const { seeds, demo, vocabulary, habits, state } = readArguments([]);
  expect([seeds, demo.file, vocabulary, habits]).toEqual([[1, 2, 3], 'reset.yaml', 0, undefined]);
  expect(basename(state)).toBe('.reset-loop-reproduce');
});

test('other seeds, habits and words can be asked for', () => {
  const given = ['--seeds', '7,8,9', '--habits', 'mine.json', '--vocabulary', '5'];
  expect(readArguments(given)).toMatchObject({
    seeds: [7, 8, 9],
    habits: 'mine.json',
    vocabulary: 5,
  });
  expect(readArguments(['--size', 'small'])).toMatchObject({
    seeds: [101],
    demo: { file: 'drill.yaml' },
  });
});

test('another engine has one seed and a folder of its own', () => {
  const { engine, seeds, state } = readArguments(['--engine', 'deepspeed']);
  expect([engine, seeds, basename(state)]).toEqual([
    'deepspeed',
    [101],
    '.reset-loop-reproduce-deepspeed',
  ]);
});

test.each([
  [['--engine', 'jax'], '--engine jax: there are tinylm, deepspeed'],
  [['--seeds', '7,7'], '--seeds 7,7: give different whole numbers'],
  [['--seeds', '7,'], '--seeds 7,: give different whole numbers'],
  [['--size', 'big'], '--size big: there are full, small'],
  [['--vocabulary', 'x'], '--vocabulary x is not a whole number'],
  [['--sedes', '7'], "Unknown option '--sedes'"],
])('%j is refused with what is wrong', (args, message) => {
  expect(() => readArguments(args)).toThrow(message);
});

test('the time left is told from the pace of what was carried out, and not before', () => {
  const eta = createEta();
  expect(eta.secondsFor(10)).toBeNull();
  eta.took({ seconds: 60, cost: 3 });
  eta.took({ seconds: 140, cost: 7 });
  expect(eta.secondsFor(4)).toBe(80);
});
