/**
 * The oldest nats-server that keeps its promises: 2.9 forgets acks over a kill and knows no `sync_interval`,
 * 2.10.20–22 could lose a stream.
 */
export const minimumNatsVersion = '2.10.23';

/** Reads `2.10.29` out of a text such as `nats-server: v2.10.29`; undefined where there is none. */
export function readVersion(text: string): string | undefined {
  return /\bv?(\d+\.\d+\.\d+)/.exec(text)?.[1];
}

/** Whether a version `a.b.c` is at least `minimum`; a pre-release of the minimum counts as it. */
export function isAtLeast(version: string, minimum: string): boolean {
  const has = numbersOf(version);
  for (const [place, wanted] of numbersOf(minimum).entries()) {
    const given = has[place] ?? 0;
    if (given !== wanted) return given > wanted;
  }
  return true;
}

function numbersOf(version: string): number[] {
  return (readVersion(version) ?? '0.0.0').split('.').map(Number);
}
