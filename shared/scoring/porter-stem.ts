/**
 * The stemmer of ROUGE: Porter's algorithm (Program 14(3), 1980) with the extensions of NLTK, whose departures are marked.
 * It takes lower-case words.
 */

/** A suffix, what replaces it, and what must hold of the rest. The first suffix that fits decides, whether or not it holds. */
type Rule = readonly [suffix: string, replacement: string, holds: (stem: string) => boolean];

/** NLTK: words that the rules would get wrong. */
const irregular: Readonly<Record<string, string>> = {
  skies: 'sky',
  sky: 'sky',
  dying: 'die',
  lying: 'lie',
  tying: 'tie',
  news: 'news',
  innings: 'inning',
  inning: 'inning',
  outings: 'outing',
  outing: 'outing',
  cannings: 'canning',
  canning: 'canning',
  howe: 'howe',
  proceed: 'proceed',
  exceed: 'exceed',
  succeed: 'succeed',
};

export function porterStem(word: string): string {
  if (Object.hasOwn(irregular, word)) return irregular[word] ?? word;
  if (word.length <= 2) return word;
  return [step1a, step1b, step1c, step2, step3, step4, step5a, step5b].reduce(
    (stem, step) => step(stem),
    word,
  );
}

const always = (): boolean => true;
const isRoot = (stem: string): boolean => measure(stem) > 0;
const isLongRoot = (stem: string): boolean => measure(stem) > 1;

function step1a(word: string): string {
  // NLTK: "dies" to "die", but "flies" to "fli".
  if (word.length === 4 && word.endsWith('ies')) return word.slice(0, -1);
  return apply(plurals, word);
}

const plurals: readonly Rule[] = [
  ['sses', 'ss', always],
  ['ies', 'i', always],
  ['ss', 'ss', always],
  ['s', '', always],
];

function step1b(word: string): string {
  // NLTK: "died" to "die", but "spied" to "spi".
  if (word.endsWith('ied')) return word.slice(0, word.length === 4 ? -1 : -2);
  if (word.endsWith('eed')) return apply([['eed', 'ee', isRoot]], word);
  const suffix = ['ed', 'ing'].find(
    (ending) => word.endsWith(ending) && hasVowel(word.slice(0, -ending.length)),
  );
  return suffix === undefined ? word : mend(word.slice(0, -suffix.length));
}

/** What "ed" and "ing" left: "conflat" gets its e back, "hopp" loses a letter. */
function mend(stem: string): string {
  if (/(?:at|bl|iz)$/.test(stem)) return `${stem}e`;
  if (endsInDoubleConsonant(stem)) return /[lsz]$/.test(stem) ? stem : stem.slice(0, -1);
  return measure(stem) === 1 && endsInShortSyllable(stem) ? `${stem}e` : stem;
}

/** NLTK: only after a consonant that is not the first letter, so "enjoy" stays. */
function step1c(word: string): string {
  return apply([['y', 'i', (stem) => stem.length > 1 && isConsonant(stem, stem.length - 1)]], word);
}

function step2(word: string): string {
  // NLTK: "alli" goes first, and what it leaves goes through this step again.
  if (word.endsWith('alli') && isRoot(word.slice(0, -4))) return step2(word.slice(0, -2));
  return apply(doubleSuffixes, word);
}

const doubleSuffixes: readonly Rule[] = [
  ['ational', 'ate', isRoot],
  ['tional', 'tion', isRoot],
  ['enci', 'ence', isRoot],
  ['anci', 'ance', isRoot],
  ['izer', 'ize', isRoot],
  ['bli', 'ble', isRoot],
  ['alli', 'al', isRoot],
  ['entli', 'ent', isRoot],
  ['eli', 'e', isRoot],
  ['ousli', 'ous', isRoot],
  ['ization', 'ize', isRoot],
  ['ation', 'ate', isRoot],
  ['ator', 'ate', isRoot],
  ['alism', 'al', isRoot],
  ['iveness', 'ive', isRoot],
  ['fulness', 'ful', isRoot],
  ['ousness', 'ous', isRoot],
  ['aliti', 'al', isRoot],
  ['iviti', 'ive', isRoot],
  ['biliti', 'ble', isRoot],
  // NLTK: both, the second with its l counted to the stem, so that "geologi" is treated like "archaeologi".
  ['fulli', 'ful', isRoot],
  ['logi', 'log', (stem) => isRoot(`${stem}l`)],
];

function step3(word: string): string {
  return apply(derivations, word);
}

const derivations: readonly Rule[] = [
  ['icate', 'ic', isRoot],
  ['ative', '', isRoot],
  ['alize', 'al', isRoot],
  ['iciti', 'ic', isRoot],
  ['ical', 'ic', isRoot],
  ['ful', '', isRoot],
  ['ness', '', isRoot],
];

function step4(word: string): string {
  return apply(endings, word);
}

const endings: readonly Rule[] = [
  ['al', '', isLongRoot],
  ['ance', '', isLongRoot],
  ['ence', '', isLongRoot],
  ['er', '', isLongRoot],
  ['ic', '', isLongRoot],
  ['able', '', isLongRoot],
  ['ible', '', isLongRoot],
  ['ant', '', isLongRoot],
  ['ement', '', isLongRoot],
  ['ment', '', isLongRoot],
  ['ent', '', isLongRoot],
  ['ion', '', (stem) => isLongRoot(stem) && /[st]$/.test(stem)],
  ['ou', '', isLongRoot],
  ['ism', '', isLongRoot],
  ['ate', '', isLongRoot],
  ['iti', '', isLongRoot],
  ['ous', '', isLongRoot],
  ['ive', '', isLongRoot],
  ['ize', '', isLongRoot],
];

function step5a(word: string): string {
  if (!word.endsWith('e')) return word;
  const stem = word.slice(0, -1);
  const size = measure(stem);
  return size > 1 || (size === 1 && !endsInShortSyllable(stem)) ? stem : word;
}

function step5b(word: string): string {
  return apply([['ll', 'l', (stem) => isLongRoot(`${stem}l`)]], word);
}

function apply(rules: readonly Rule[], word: string): string {
  const rule = rules.find(([suffix]) => word.endsWith(suffix));
  if (rule === undefined) return word;
  const [suffix, replacement, holds] = rule;
  const stem = word.slice(0, word.length - suffix.length);
  return holds(stem) ? stem + replacement : word;
}

/** How many times a vowel is followed by a consonant: Porter's m. */
function measure(stem: string): number {
  let count = 0;
  let afterVowel = false;
  for (let at = 0; at < stem.length; at += 1) {
    const consonant = isConsonant(stem, at);
    if (consonant && afterVowel) count += 1;
    afterVowel = !consonant;
  }
  return count;
}

function hasVowel(stem: string): boolean {
  return Array.from(stem).some((_, at) => !isConsonant(stem, at));
}

/** A y is a vowel after a consonant. */
function isConsonant(word: string, at: number): boolean {
  const letter = word[at] ?? '';
  if (letter === 'y') return at === 0 || !isConsonant(word, at - 1);
  return !'aeiou'.includes(letter);
}

function endsInDoubleConsonant(word: string): boolean {
  const last = word.length - 1;
  return last > 0 && word[last] === word[last - 1] && isConsonant(word, last);
}

/** Consonant, vowel, consonant other than w, x and y; NLTK: a word of just vowel and consonant too. */
function endsInShortSyllable(word: string): boolean {
  const last = word.length - 1;
  if (last < 1 || isConsonant(word, last - 1) || !isConsonant(word, last)) return false;
  return last === 1 || (isConsonant(word, last - 2) && !/[wxy]$/.test(word));
}
