import { basename, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { readArguments } from '../../../deploy/local/arguments.ts';

test('without a word the demo runs in .reset-loop', () => {
  const { preset, state, seed, fresh, json } = readArguments([]);
  expect(preset.file).toBe('reset.yaml');
  expect(basename(state)).toBe('.reset-loop');
  expect([seed, fresh, json]).toEqual([undefined, false, false]);
});

test('the control has a state folder of its own, unless one is named', () => {
  expect(basename(readArguments(['--control']).state)).toBe('.reset-loop-control');
  expect(readArguments(['--control', '--state', 'x']).state).toBe(resolve('x'));
});

test('a run file of the user takes the place of the demo, with the profiles of its names', () => {
  const { own } = readArguments(['--file', 'run.yaml', '--profiles', 'p.yaml']);
  expect(own).toEqual({ file: resolve('run.yaml'), profiles: resolve('p.yaml') });
});

test.each([
  [['--profiles', 'p.yaml'], 'add --file <run file>'],
  [['--file', 'run.yaml', '--seed', '7'], '--seed is of the demo'],
  [['--file', 'run.yaml', '--control'], '--control is of the demo'],
  [['--preset', 'big'], 'there are demo, control, drill'],
  [['--seed', 'ten'], '--seed ten is not a whole number'],
  [['--frehs'], "Unknown option '--frehs'"],
])('%j is refused with what is wrong', (args, message) => {
  expect(() => readArguments(args)).toThrow(message);
});
