/** When one child died, as far as it matters for starting it again. Times are milliseconds of a steady clock. */
export interface Deaths {
  /** Of the last 30 s. */
  recent: readonly number[];
  /** Since it last lived for long. */
  inARow: number;
}

export const noDeaths: Deaths = { recent: [], inARow: 0 };

const longLifeMs = 10_000;
const windowMs = 30_000;
const tooMany = 5;

/**
 * What follows a death at `now` of a child that lived `livedMs`: the pause before the next start, doubling from a quarter
 * of a second to 5 s and short again after a life of more than 10 s, or undefined at the 5th death within 30 s.
 */
export function afterDeath(
  { recent, inARow }: Deaths,
  now: number,
  livedMs: number,
): { deaths: Deaths; pauseMs: number | undefined } {
  const row = livedMs > longLifeMs ? 1 : inARow + 1;
  const deaths = { recent: [...recent.filter((at) => now - at < windowMs), now], inARow: row };
  const pauseMs = Math.min(5_000, 250 * 2 ** (row - 1));
  return { deaths, pauseMs: deaths.recent.length < tooMany ? pauseMs : undefined };
}
