/** The longest wish of a provider in ms that is followed: what asks for more is asked again after this. */
export const LONGEST_WAIT_MS = 60_000;

const FIRST_BACKOFF_MS = 500;

/** What a provider may say how long to wait in, best first. Each gives ms, undefined where it says nothing. */
const forms: readonly ((headers: Headers, message: string, now: number) => number | undefined)[] = [
  (headers) => numberOf(headers.get('retry-after-ms')),
  (headers, _, now) => retryAfter(headers.get('retry-after'), now),
  (_, message) => inText(message),
  (headers) => untilReset(headers),
];

/**
 * How long in ms a provider asks to be left alone, in (0, LONGEST_WAIT_MS]; undefined where it does not say, or says what is no wait: zero,
 * negative, a date that is over. `now` is in ms since 1970.
 */
export function wishOf(headers: Headers, message: string, now: number): number | undefined {
  for (const form of forms) {
    const ms = form(headers, message, now);
    if (ms !== undefined && ms > 0) return Math.min(ms, LONGEST_WAIT_MS);
  }
  return undefined;
}

/**
 * Our own pause in ms after a failure, where the provider wishes none: anywhere in [0, 0.5 s), twice as long after each failure before it, at
 * most LONGEST_WAIT_MS. Full jitter: callers that failed together must not come back together. `random` gives [0, 1).
 */
export function backoff(failuresBefore: number, random: () => number): number {
  return random() * Math.min(LONGEST_WAIT_MS, FIRST_BACKOFF_MS * 2 ** failuresBefore);
}

/** Seconds, whole or not, or an HTTP date. */
function retryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  const seconds = numberOf(value);
  if (seconds !== undefined) return seconds * 1000;
  // Date.parse takes much for a date; the oldest of the three forms of HTTP dates does not name its zone.
  if (!/^[A-Z][a-z]+,? /.test(value)) return undefined;
  const date = Date.parse(value.endsWith('GMT') ? value : `${value} GMT`);
  return Number.isNaN(date) ? undefined : date - now;
}

/** "Please try again in 1m12.5s", "retry after 20 seconds". */
function inText(message: string): number | undefined {
  const [, rest] =
    /\b(?:try again|retry|wait)(?: after| in| for)? ([\d.]+ ?[a-zµ].{0,40})/i.exec(message) ?? [];
  return rest === undefined ? undefined : duration(rest);
}

/** The longest of the limits that are used up. Azure has answered -1 and 0. */
function untilReset(headers: Headers): number | undefined {
  const resets = ['requests', 'tokens'].map((kind) => {
    const isLeft = (numberOf(headers.get(`x-ratelimit-remaining-${kind}`)) ?? 0) > 0;
    return isLeft ? undefined : duration(headers.get(`x-ratelimit-reset-${kind}`) ?? '');
  });
  return resets.reduce((longest, ms) => (ms !== undefined && ms > (longest ?? 0) ? ms : longest));
}

const msOf: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** The duration that a text begins with, as Go writes it (`12ms`, `1m12s`) or in words, in ms. */
function duration(text: string): number | undefined {
  let ms: number | undefined;
  let rest = text;
  for (;;) {
    const [whole, amount, unit] = /^\s*(\d+(?:\.\d+)?)\s*([a-zµ]+)/i.exec(rest) ?? [];
    const factor = msOf[unitOf(unit ?? '')];
    if (whole === undefined || factor === undefined) return ms;
    ms = (ms ?? 0) + Number(amount) * factor;
    rest = rest.slice(whole.length);
  }
}

function unitOf(word: string): string {
  const unit = word.toLowerCase();
  if (unit in msOf) return unit;
  const [, long] = /^(milli|sec|min|hour)[a-z]*$/.exec(unit) ?? [];
  return { milli: 'ms', sec: 's', min: 'm', hour: 'h' }[long ?? ''] ?? '';
}

function numberOf(value: string | null): number | undefined {
  if (value === null || value.trim() === '') return undefined;
  const number = Number(value);
  return Number.isNaN(number) ? undefined : number;
}
