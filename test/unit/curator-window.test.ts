import { expect, test } from 'vitest';
import { createWake } from '../../agents/curator/dispatch/wake.ts';
import { createWindow } from '../../agents/curator/dispatch/window.ts';
import { SimulatedClock } from '../support/simulated-clock.ts';

function windowOf(size: number, ...units: string[]) {
  const window = createWindow(size);
  for (const unit of units) window.add(unit);
  return window;
}

test('no more than the window is on the bus, in the order of the plan', () => {
  const window = windowOf(2, 'a', 'b', 'c', 'd');
  expect(window.take()).toEqual(['a', 'b']);
  expect(window.take()).toEqual([]);
  window.settle('a');
  expect(window.take()).toEqual(['c']);
  expect(window.missing()).toBe(3);
});

test('a unit that is offered is not offered again because it is added again', () => {
  const window = windowOf(2, 'a');
  window.take();
  window.add('a');
  expect(window.take()).toEqual([]);
});

test('what could not be offered, or left the bus, waits in front', () => {
  const window = windowOf(3, 'a', 'b', 'c', 'd');
  window.take();
  window.putBack(['b']);
  expect(window.reconcile(new Set(['c']))).toBe(1);
  expect(window.take()).toEqual(['a', 'b']);
});

test('after a restart what is on the bus counts as offered, and what is unknown there is left alone', () => {
  const window = windowOf(2, 'a', 'b', 'c');
  expect(window.reconcile(new Set(['b', 'c', 'x']))).toBe(0);
  expect(window.offered()).toBe(2);
  expect(window.take()).toEqual([]);
  window.settle('b');
  expect(window.take()).toEqual(['a']);
});

test('a unit that was answered while the bus was asked is not taken for lost', () => {
  const window = windowOf(2, 'a');
  window.take();
  const onBus = new Set<string>();
  window.settle('a');
  expect(window.reconcile(onBus)).toBe(0);
  expect(window.missing()).toBe(0);
});

test('a wake that comes before the wait is not lost, and one wait uses it up', async () => {
  await using clock = new SimulatedClock();
  const { signal } = new AbortController();
  const wake = createWake();
  wake.wake();
  await wake.wait(clock, 1000, signal);
  expect(clock.now()).toBe(0);
  await wake.wait(clock, 1000, signal);
  expect(clock.now()).toBe(1000);
});
