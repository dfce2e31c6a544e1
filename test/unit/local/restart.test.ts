import { expect, test } from 'vitest';
import { type Deaths, afterDeath, noDeaths } from '../../../deploy/local/restart.ts';

/** Pauses after deaths at these times, each after a life of `livedMs`. */
function pauses(times: readonly number[], livedMs: number): (number | undefined)[] {
  let deaths: Deaths = noDeaths;
  return times.map((at) => {
    const next = afterDeath(deaths, at, livedMs);
    deaths = next.deaths;
    return next.pauseMs;
  });
}

test('quick deaths pause longer and longer, and the fifth within 30 s is the last', () => {
  expect(pauses([0, 1000, 2000, 3000, 4000], 100)).toEqual([250, 500, 1000, 2000, undefined]);
});

test('deaths that lie further apart go on for ever, at most 5 s apart', () => {
  const times = [0, 8000, 16_000, 24_000, 32_000, 40_000, 48_000];
  expect(pauses(times, 100)).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000]);
});

test('a life of more than 10 s makes the next pause short again', () => {
  expect(pauses([0, 11_000, 22_000], 10_500)).toEqual([250, 250, 250]);
});
