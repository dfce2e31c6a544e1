import { porterStem } from './porter-stem.ts';

/** A word of an English sentence. Two words are the same when their stems are. */
export interface Word {
  readonly stem: string;
  readonly capital: boolean;
  readonly kind: 'content' | 'number' | 'function' | 'negation';
}

/** Makes a reader of sentences, which remembers the stems of the words that it has seen. */
export function createReader(): (sentence: string) => Word[] {
  const known = new Map<string, Pick<Word, 'stem' | 'kind'>>();
  return (sentence) =>
    (sentence.match(wordPattern) ?? []).map((raw) => {
      const lower = raw.toLowerCase();
      const word = known.get(lower) ?? read(lower);
      known.set(lower, word);
      return { ...word, capital: raw[0] !== lower[0] };
    });
}

const wordPattern = /[\p{L}\p{M}\p{N}]+(?:['’.,][\p{L}\p{M}\p{N}]+)*/gu;

function read(lower: string): Pick<Word, 'stem' | 'kind'> {
  if (negations.has(lower) || /n['’]t$/.test(lower)) return { stem: lower, kind: 'negation' };
  if (functionWords.has(lower)) return { stem: lower, kind: 'function' };
  if (/\p{N}/u.test(lower) || numberWords.has(lower)) return { stem: lower, kind: 'number' };
  const bare = lower.replace(/['’]s$/, '');
  return { stem: /^[a-z]{4,}$/.test(bare) ? porterStem(bare) : bare, kind: 'content' };
}

/** Words that turn a statement round, beside those in "n't". */
const negations = wordSet('no not never none nobody nothing neither nor cannot without hardly');

const numberWords = wordSet(
  'zero one two three four five six seven eight nine ten eleven twelve hundred thousand million billion',
);

/** Words that say how a sentence is built rather than what it is about. */
const functionWords = wordSet(
  'a an the this that these those some any each every all both such same other another',
  'i me my mine we us our you your he him his she her hers it its they them their',
  'who whom whose which what where when why how here there',
  'is am are was were be been being has have had having do does did doing done',
  'will would can could may might shall should must',
  'of in on at to from by with about as for into onto over under after before between during through',
  'near against up down out off and or but if so than then because while although though until since',
  'also too very just only more most much many again still yet ever',
);

function wordSet(...lines: string[]): ReadonlySet<string> {
  return new Set(lines.flatMap((line) => line.split(' ')));
}
