import { expect, test } from 'vitest';
import { afterDeath } from '../../../deploy/local/restart.ts';

/** Pauses after deaths, each after a life of so many milliseconds. */
function pauses(lives: readonly number[]): (number | undefined)[] {
  let deaths = 0;
  return lives.map((livedMs) => {
    const { inARow, pauseMs } = afterDeath(deaths, livedMs);
    deaths = inARow;
    return pauseMs;
  });
}

test('quick deaths pause longer and longer, and the fifth in a row is the last', () => {
  expect(pauses([100, 100, 9000, 9000, 9000])).toEqual([250, 500, 1000, 2000, undefined]);
});

test('a life of more than 10 s makes the next pause short again', () => {
  expect(pauses([100, 100, 100, 100, 10_500, 100])).toEqual([250, 500, 1000, 2000, 250, 500]);
});
