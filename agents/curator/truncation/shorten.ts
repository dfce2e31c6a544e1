/** Where an end is cut off, as a share of what may stay: a sentence that ends in the last fifth, else a word in the second half. */
const SENTENCE_FROM = 0.8;
const WORD_FROM = 0.5;

/** Share of the room that is enough to fill. */
const FILLED = 0.99;

/** Guesses in proportion before the search goes half ways: signs and tokens of a text are so nearly in proportion that few take four. */
const GUESSES = 6;

/** Passages, and what `count` says of them. */
export interface Kept {
  readonly passages: readonly string[];
  readonly tokens: number;
}

/**
 * Cuts the ends of the longest passages, all to the same length, so that `count` of them is at most `most`; one that is shorter than that
 * stays as it is. Each keeps something, and as much as there is room for, but for a hundredth and the rest of a word or sentence. Undefined
 * where not even a sign of each has room. `tokens` is the count of the whole.
 */
export function shorten(
  passages: readonly string[],
  count: (passages: readonly string[]) => number,
  most: number,
  tokens = count(passages),
): Kept | undefined {
  if (tokens <= most) return { passages, tokens };
  const counted = new Map<string, number>();
  const cutTo = (length: number) => {
    const cut = passages.map((passage) => cutEnd(passage, length));
    const text = cut.join('\n');
    const kept = { length, passages: cut, tokens: counted.get(text) ?? count(cut) };
    counted.set(text, kept.tokens);
    return kept;
  };
  const signsIn = (length: number): number =>
    passages.reduce((signs, passage) => signs + Math.min(passage.length, length), 0);
  let fitting = cutTo(1);
  if (fitting.tokens > most) return undefined;
  let tooLong = { length: Math.max(...passages.map(({ length }) => length)) + 1, tokens };
  for (let guess = 1; tooLong.length - fitting.length > 1; guess += 1) {
    if (fitting.tokens >= most * FILLED) break;
    const [fewer, more] = [signsIn(fitting.length), signsIn(tooLong.length)];
    const share =
      guess > GUESSES ? 1 / 2 : (most - fitting.tokens) / (tooLong.tokens - fitting.tokens);
    const room = fewer + (more - fewer) * share;
    const next = cutTo(
      largest(fitting.length + 1, tooLong.length - 1, (length) => signsIn(length) <= room),
    );
    if (next.tokens <= most) fitting = next;
    else tooLong = next;
  }
  return { passages: fitting.passages, tokens: fitting.tokens };
}

/** The largest whole number from `low` to `high` that holds, where all below it do; `low` where none does. */
function largest(low: number, high: number, holds: (value: number) => boolean): number {
  let [held, failed] = [low, high + 1];
  while (failed - held > 1) {
    const middle = Math.floor((held + failed) / 2);
    if (holds(middle)) held = middle;
    else failed = middle;
  }
  return held;
}

/** At most `length` UTF-16 units of a text's beginning, or its first sign; up to the end of a sentence or word where one is near. */
export function cutEnd(text: string, length: number): string {
  if (text.length <= length) return text;
  const begun = text.slice(0, length + 1);
  const sentence = lastEnd(begun, /[.!?…]["'”’)\]]*(?=\s)|[。！？](?=.)/gsu);
  if (sentence >= length * SENTENCE_FROM) return text.slice(0, sentence);
  const word = lastEnd(begun, /\S(?=\s)/gu);
  if (word >= length * WORD_FROM) return text.slice(0, word);
  const sign = String.fromCodePoint(text.codePointAt(0) ?? 0);
  return wholeSigns(text, length) || sign;
}

/** Without the half of a sign at its end, or a sign that lost the marks behind it. */
function wholeSigns(text: string, length: number): string {
  let end = length;
  while (end > 0 && /^[\p{M}\u200d\udc00-\udfff]/u.test(text.slice(end))) end -= 1;
  return text.slice(0, end);
}

function lastEnd(text: string, pattern: RegExp): number {
  let end = 0;
  for (const { 0: match, index } of text.matchAll(pattern)) end = index + match.length;
  return end;
}
