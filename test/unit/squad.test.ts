import { expect, test } from 'vitest';
import { squadScore } from '../../shared/scoring/squad.ts';

test('the best reference counts', () => {
  expect(squadScore('the Paris', ['London', 'Paris, France', 'paris'], 'v1.1')).toEqual({
    em: 1,
    f1: 1,
  });
});

test('without a reference v1.1 has no score, and v2.0 expects no answer', () => {
  expect(squadScore('x', [], 'v1.1')).toBeNull();
  expect(squadScore('x', [], 'v2.0')).toEqual({ em: 0, f1: 0 });
  expect(squadScore('', [], 'v2.0')).toEqual({ em: 1, f1: 1 });
});

test('an empty answer to an empty reference matches, but has F1 0 in v1.1', () => {
  expect(squadScore('the', [''], 'v1.1')).toEqual({ em: 1, f1: 0 });
  expect(squadScore('the', [''], 'v2.0')).toEqual({ em: 1, f1: 1 });
});

test('v2.0 drops empty references where others are left', () => {
  expect(squadScore('', ['', 'x'], 'v1.1')).toEqual({ em: 1, f1: 0 });
  expect(squadScore('', ['', 'x'], 'v2.0')).toEqual({ em: 0, f1: 0 });
});
