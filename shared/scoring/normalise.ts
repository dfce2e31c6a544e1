/**
 * Text as the reference programs see it. They are Python, so case, white space and word edges follow Python's rules:
 * `str.lower`, `string.punctuation`, `str.split` and the `\b` of `re`, which unlike JavaScript's knows letters of all scripts.
 * Compared with Python 3.11 over every code point: equal but for characters that Unicode added after version 14.
 */

/** What Python's `str.split()` and `\s` take for white space: U+001C to U+001F and U+0085 too, U+FEFF and U+200B not. */
export const space = String.raw`\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;
const spaces = new RegExp(`[${space}]+`, 'u');

/** Python's `\w`: letters, digits and numbers of all scripts and `_`, but no combining marks. */
const wordCharacter = String.raw`[\p{L}\p{N}_]`;
const articles = new RegExp(`(?<!${wordCharacter})(?:a|an|the)(?!${wordCharacter})`, 'gu');

/** Python's `string.punctuation`: the 32 ASCII marks. Other dashes and quotes stay. */
const punctuation = /[!-/:-@[-`{-~]/g;

const spacesAroundHyphenOrSlash = new RegExp(`[${space}]*([-/])[${space}]*`, 'gu');
const spacesBeforeGenitive = new RegExp(`[${space}]+'s`, 'gu');

/** Words between runs of white space, as Python's `str.split()`: none for a blank text. */
export function splitWords(text: string): string[] {
  return text.split(spaces).filter((word) => word !== '');
}

/** `normalize_answer` of the SQuAD evaluation programs, the same in v1.1 and v2.0: lower case, no ASCII punctuation, no articles, single spaces. */
export function normaliseAnswer(text: string): string {
  return answerWords(text).join(' ');
}

/** The words of `normaliseAnswer`. */
export function answerWords(text: string): string[] {
  return splitWords(removeArticles(text.toLowerCase().replace(punctuation, '')));
}

/** How the sentence "remove all the articles and punctuations" of the RESET paper (A.2) is read: the words that are left. */
export const normalisations = {
  /** Punctuation is deleted, then articles: the order of SQuAD, whose normalisation is the standard one. */
  squad: (text: string) => answerWords(closeUp(text)),
  /** Articles, then punctuation: the order in which the sentence names them. */
  ordered: (text: string) =>
    splitWords(removeArticles(closeUp(text).toLowerCase()).replace(punctuation, '')),
  /** Punctuation becomes a space, then articles go: "well-known" is two words. */
  spaced: (text: string) =>
    splitWords(removeArticles(closeUp(text).toLowerCase().replace(punctuation, ' '))),
} as const;

/** A.2, first step: spaces around hyphens and slashes and before "'s" go. */
function closeUp(text: string): string {
  return text.replace(spacesAroundHyphenOrSlash, '$1').replace(spacesBeforeGenitive, "'s");
}

/** Takes lower-case text. An article becomes a space, as in the reference, so its neighbours stay two words. */
function removeArticles(text: string): string {
  return text.replace(articles, ' ');
}
