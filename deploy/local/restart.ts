const longLifeMs = 10_000;
const tooMany = 5;

/**
 * What follows a death: how many there were in a row, none after a life of more than 10 s, and the pause before the next start, doubling
 * from a quarter of a second; undefined at the fifth, however slowly a loaded machine brings each one up.
 */
export function afterDeath(
  inARow: number,
  livedMs: number,
): { inARow: number; pauseMs: number | undefined } {
  const row = livedMs > longLifeMs ? 1 : inARow + 1;
  return { inARow: row, pauseMs: row < tooMany ? 250 * 2 ** (row - 1) : undefined };
}
