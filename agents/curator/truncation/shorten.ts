/** Where an end is cut off, as a share of what may stay: a sentence that ends in the last fifth, else a word in the second half. */
const SENTENCE_FROM = 0.8;
const WORD_FROM = 0.5;

/** Share of the room that is enough to fill. */
const FILLED = 0.99;

/**
 * Cuts the ends of the longest passages, all to the same length, so that `count` of them is at most `most`; one that is shorter than that
 * stays as it is. Each keeps something, and as much as there is room for, but for a hundredth and the rest of a word or sentence. Undefined
 * where not even a sign of each has room.
 */
export function shorten(
  passages: readonly string[],
  count: (passages: readonly string[]) => number,
  most: number,
): readonly string[] | undefined {
  if (count(passages) <= most) return passages;
  const cut = (length: number) => passages.map((passage) => cutEnd(passage, length));
  const measure = (length: number) => ({ length, tokens: count(cut(length)) });
  let fitting = measure(1);
  if (fitting.tokens > most) return undefined;
  let longer = measure(Math.max(...passages.map((passage) => passage.length)));
  for (
    let turn = 0;
    longer.length - fitting.length > 1 && fitting.tokens < most * FILLED;
    turn += 1
  ) {
    const width = longer.length - fitting.length;
    // In proportion, and half way where that alone would creep.
    const share =
      turn % 2 === 0 ? (most - fitting.tokens) / (longer.tokens - fitting.tokens || 1) : 1 / 2;
    const step = Math.min(Math.max(Math.floor(width * share), 1), width - 1);
    const next = measure(fitting.length + step);
    if (next.tokens <= most) fitting = next;
    else longer = next;
  }
  return cut(fitting.length);
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
