import type { Clock } from '../../../shared/process/clock.ts';
import { backoff } from './retry-after.ts';

/** What was started between two pauses. All times are in ms of the clock. */
interface Window {
  /** When the latest of its attempts started, in order. */
  readonly starts: number[];
  refused: number;
  /** When it opened; or the first of the windows in a row before it in which every attempt was refused, and how many these are. */
  since: number;
  fruitless: number;
  before: Window | undefined;
  /** How it ended, with the rate until then, as starts in a ms. */
  closed: { at: number; pauseMs: number; perMs: number | undefined } | undefined;
}

/** How often attempts may start, learnt from the refusals of a server whose limit is not known. */
export interface Pace {
  /** Waits for the next start. */
  turn(signal: AbortSignal): Promise<Turn>;
}

export interface Turn {
  /** Says that the attempt was refused. Nobody starts for the wished ms, or else for a back-off; returns for how long. */
  refused(wishMs: number | undefined): number;
}

/** A limit counts over a second at the shortest. */
const SHORTEST_SPAN_MS = 1000;
/** Refusals for longer than this show that it counts over much more. */
const LONG_REFUSED_MS = 5000;
/** Attempts further apart than this, and than the pace asks for, say nothing about a limit. */
const IDLE_MS = 10_000;
/** By how much the rate rises in a second without refusal: small, as what is above the limit is refused. Twice as fast after 70 s. */
const GROWTH = 1.01;
/** After this without refusal, at twenty times the rate, nothing is known of the limit any more. */
const FORGOTTEN_MS = 300_000;
/** What is left of the rate after a refusal: where it came late, and at least. */
const SMALL_CUT = 0.9;
const LARGE_CUT = 0.5;
/** How late a timer may be that is made up for. */
const LATE_MS = 10;
/** A rate that is exactly the limit is above it by the next late timer. */
const MARGIN = 0.95;
/** By how much a pause may have been rounded up, as whole seconds and dates are. */
const ROUNDED_MS = 1000;
const MOST_STARTS = 2000;

/** Free until the first refusal; from then on even, at what the last window shows of the limit (`learn`) and slowly more. */
export function createPace(clock: Clock, random: () => number): Pace {
  let rate: { perMs: number; from: number } | undefined;
  let next = 0;
  let pausedUntil = 0;
  let window = open(0, undefined);

  function perMsAt(now: number): number | undefined {
    if (rate === undefined || now - rate.from > FORGOTTEN_MS) return undefined;
    return rate.perMs * GROWTH ** (Math.max(0, now - rate.from) / 1000);
  }

  function start(now: number): Window {
    const apart = 1 / (perMsAt(now) ?? Number.POSITIVE_INFINITY);
    const last = window.starts.at(-1) ?? now;
    if (now - last > Math.max(IDLE_MS, 2 * apart)) window = open(now, undefined);
    // Idle time is not made up for: two starts at once are what a limit refuses.
    next = Math.max(next, now - Math.min(apart, LATE_MS)) + apart;
    window.starts.push(now);
    if (window.starts.length === MOST_STARTS) window.starts.splice(0, MOST_STARTS / 2);
    return window;
  }

  function close(now: number, wishMs: number | undefined): void {
    const { before } = window;
    if (before !== undefined && before.starts.length === before.refused) {
      window.since = before.since;
      window.fruitless = before.fruitless + 1;
    }
    window.before = undefined;
    const pauseMs = wishMs ?? backoff(window.fruitless, random);
    window.closed = { at: now, pauseMs, perMs: perMsAt(now) };
    pausedUntil = Math.max(pausedUntil, now + pauseMs);
    window = open(pausedUntil, window);
  }

  function refused(of: Window, wishMs: number | undefined): number {
    const now = clock.now();
    of.refused += 1;
    if (of === window) close(now, wishMs);
    else pausedUntil = Math.max(pausedUntil, now + (wishMs ?? 0));
    // Attempts of one window are refused one after the other: each makes what it shows more exact.
    const perMs = learn(of);
    if (perMs !== undefined && of === window.before) rate = { perMs, from: pausedUntil };
    return Math.max(0, pausedUntil - now);
  }

  return {
    turn: async (signal) => {
      for (;;) {
        const now = clock.now();
        const wait = Math.max(next, pausedUntil) - now;
        if (wait > 0) await clock.sleep(wait, signal);
        else {
          const window = start(now);
          return { refused: (wishMs) => refused(window, wishMs) };
        }
      }
    },
  };
}

function open(at: number, before: Window | undefined): Window {
  return { starts: [], refused: 0, since: at, fruitless: 0, before, closed: undefined };
}

/**
 * How often attempts may start, in a ms, as a closed window shows it: what it let through at last, over the time that this took and the pause
 * after it, taken from where that is the most. A window that ran for longer than its pause was near the limit, and loses a tenth at most; none
 * loses more than half, for what is too fast is refused again, and what is too slow is not noticed. Undefined where it let nothing through.
 */
function learn({ starts, refused, since, fruitless, closed }: Window): number | undefined {
  const accepted = starts.length - refused;
  const [first = since] = starts;
  if (closed === undefined || accepted <= 0) return undefined;
  const { at, pauseMs, perMs = 0 } = closed;
  // The first rate is nowhere near yet: where in doubt it is too fast, as that shows.
  const surePauseMs = perMs === 0 ? Math.max(0, pauseMs - ROUNDED_MS) : pauseMs;
  const rateFrom = (from: number, count: number): number =>
    (MARGIN * count) / Math.max(SHORTEST_SPAN_MS, at - from + surePauseMs);
  if (fruitless > 0 && first - since > LONG_REFUSED_MS) return rateFrom(since, accepted);
  const isNear = at - first >= Math.max(SHORTEST_SPAN_MS, pauseMs);
  return starts
    .slice(0, accepted)
    .reduce(
      (most, from, i) => Math.max(most, rateFrom(from, accepted - i)),
      (isNear ? SMALL_CUT : LARGE_CUT) * perMs,
    );
}
