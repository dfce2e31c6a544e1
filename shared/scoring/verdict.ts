import { mayBeQuoted } from './quoted.ts';

/** What a judge model gave between double brackets, trimmed; or why there is nothing to read. */
export type LastVerdict = { readonly verdict: string } | { readonly reason: string };

/** `[[…]]` with no bracket inside; neither a part of `[[[…]]]` nor the text of a link such as `[[1]](https://…)`. */
const verdicts = /(?<!\[)\[\[([^[\]]*)\]\](?!\]|\((?:https?:|#))/g;

/**
 * The last `[[…]]` of a judge model's text. One that also stands in a text which the judge was shown, white space aside, may be a quote of
 * it and never counts, even if the judge meant it: the author of an answer must not grade it. What it holds is not looked at: after
 * `[[7]]` a last `[[none]]` is the verdict.
 */
export function lastVerdict(judgment: string, shown: readonly string[]): LastVerdict {
  const given = [...judgment.matchAll(verdicts)].map(([, inside = '']) => inside.trim());
  if (given.length === 0) return { reason: 'no verdict in double brackets was found' };
  const verdict = given.findLast((one) => !mayBeQuoted(`[[${one}]]`, shown));
  return verdict === undefined
    ? { reason: 'every verdict may be a quote: it stands in a text that was judged' }
    : { verdict };
}
