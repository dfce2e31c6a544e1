import { expect, test } from 'vitest';
import { isAtLeast, readVersion } from '../../../deploy/local/version.ts';

test('versions are compared as numbers, place by place', () => {
  expect(isAtLeast('2.10.23', '2.10.23')).toBe(true);
  expect(isAtLeast('2.10.9', '2.10.23')).toBe(false);
  expect(isAtLeast('2.15.1', '2.10.23')).toBe(true);
  expect(isAtLeast('3.0.0', '2.10.23')).toBe(true);
  expect(isAtLeast('2.9.99', '2.10.23')).toBe(false);
});

test('a version is read out of what the program prints, or is absent', () => {
  expect(readVersion('nats-server: v2.10.29\n')).toBe('2.10.29');
  expect(readVersion('2.12.0-RC.1')).toBe('2.12.0');
  expect(readVersion('usage: nats-server')).toBeUndefined();
});
