import { porterStem } from './porter-stem.ts';

/** A word of an English sentence. Two words are the same when their stems are. */
export interface Word {
  readonly stem: string;
  readonly capital: boolean;
  readonly kind: 'content' | 'number' | 'function' | 'negation';
}

export function readWords(sentence: string): Word[] {
  return (sentence.match(wordPattern) ?? []).map(wordOf);
}

const wordPattern = /[\p{L}\p{M}\p{N}]+(?:['’.,][\p{L}\p{M}\p{N}]+)*/gu;

/** Words as read before: texts repeat theirs, and stemming is what costs. Emptied when full. */
const read = new Map<string, Word>();
const mostRead = 50_000;

function wordOf(raw: string): Word {
  const found = read.get(raw);
  if (found !== undefined) return found;
  const lower = raw.toLowerCase();
  const kind = kindOf(lower);
  const stem = kind === 'content' ? stemOf(lower) : lower;
  const word = { stem, capital: raw[0] !== lower[0], kind };
  if (read.size === mostRead) read.clear();
  read.set(raw, word);
  return word;
}

function kindOf(lower: string): Word['kind'] {
  if (negations.has(lower) || /n['’]t$/.test(lower)) return 'negation';
  if (functionWords.has(lower)) return 'function';
  return /\p{N}/u.test(lower) || numberWords.has(lower) ? 'number' : 'content';
}

function stemOf(lower: string): string {
  const bare = lower.replace(/['’]s$/, '');
  return /^[a-z]{4,}$/.test(bare) ? porterStem(bare) : bare;
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
