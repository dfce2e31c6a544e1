import { mayBeQuoted } from '../../../shared/scoring/quoted.ts';

/**
 * The last JSON object in a model's text that begins with the member `first`; undefined where there is none, where it is cut, or where it
 * also stands in one of the texts `shown` to the model, for then it may be a quote. Never throws; reads the text once from there.
 */
export function lastObject(text: string, first: string, shown: readonly string[]): unknown {
  const begins = [...text.matchAll(/\{\s*(?=")/g)].filter(({ 0: open, index }) =>
    text.startsWith(first, index + open.length),
  );
  const start = begins.at(-1)?.index;
  const end = start === undefined ? undefined : endOfObject(text, start);
  if (end === undefined) return undefined;
  const object = text.slice(start, end);
  if (mayBeQuoted(object, shown)) return undefined;
  try {
    return JSON.parse(object) as unknown;
  } catch {
    return undefined;
  }
}

/** Behind the brace that closes the one at `start`; braces in strings do not count. */
function endOfObject(text: string, start: number): number | undefined {
  let depth = 0;
  for (const { 0: token, index } of text.slice(start).matchAll(/[{}]|"(?:[^"\\]|\\.)*"/gs)) {
    if (token === '{') depth += 1;
    if (token === '}') depth -= 1;
    if (depth === 0) return start + index + 1;
  }
  return undefined;
}
