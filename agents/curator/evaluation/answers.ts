/**
 * What greedy answers look like, whatever they say: the ways in which a model that trains on its own answers goes wrong show here before
 * they show in a score.
 *
 * A1. A row without an answer is left out: a failure is not a number. A blank answer is one, of no words.
 * A2. Words stand between white space, in lower case. Texts are compared word by word.
 * A3. Many prompts may rightly have the same answer, and some extraction is verbatim: these figures mean nothing by themselves, only
 *     beside those of another checkpoint on the same rows.
 */
import type { DatasetKind, Example } from '../../../shared/contract/example.ts';
import type { AnswerStatistics } from '../../../shared/contract/facts.ts';
import { splitWords } from '../../../shared/scoring/normalise.ts';

export interface AnsweredRow {
  readonly example: Pick<Example, 'kind' | 'context'>;
  /** Null where generation failed. */
  readonly text: string | null;
}

interface Words {
  readonly kind: DatasetKind;
  readonly context: string | null;
  readonly words: readonly string[];
}

/** A run of this many words is longer than a name, a phrase or most sentences that a good summary may take over as they are. */
const COPIED_WORDS = 20;

/** Kinds whose answers are the model's own words; an extractive answer is a copy by its task. */
const ownWords: ReadonlySet<DatasetKind> = new Set(['abstractive_qa', 'summarization']);

/** How many words of an answer's beginning are searched for a refusal. */
const OPENING_WORDS = 12;

const marks = /[.,;:!?"]/g;

const refusals = [
  'i cannot',
  "i can't",
  'i am unable',
  "i'm unable",
  'i am not able',
  "i'm not able",
  'i am sorry',
  "i'm sorry",
  'i apologize',
  'as an ai',
  'as a language model',
];

/** `distinct-n` is that of Li et al. (2016), over all instruction answers together. */
export function describeAnswers(rows: readonly AnsweredRow[]): AnswerStatistics {
  const answers = rows.flatMap(({ example: { kind, context }, text }): Words[] =>
    text === null ? [] : [{ kind, context, words: wordsOf(text) }],
  );
  const instructions = answers.filter(({ kind }) => kind === 'instruction');
  return {
    ...lengths(answers),
    distinct1: distinct(instructions, 1),
    distinct2: distinct(instructions, 2),
    duplicates: duplicates(instructions),
    copied: shareOf(
      answers.filter(({ kind }) => ownWords.has(kind)),
      isCopy,
    ),
    refusals: shareOf(answers, isRefusal),
  };
}

function wordsOf(text: string): string[] {
  return splitWords(text.toLowerCase().replaceAll('\u2019', "'"));
}

function lengths(answers: readonly Words[]): Pick<AnswerStatistics, 'rows' | 'length'> {
  const rows: AnswerStatistics['rows'] = {};
  const sums: AnswerStatistics['length'] = {};
  for (const { kind, words } of answers) {
    rows[kind] = (rows[kind] ?? 0) + 1;
    sums[kind] = (sums[kind] ?? 0) + words.length;
  }
  const length: AnswerStatistics['length'] = {};
  for (const { kind } of answers) length[kind] = (sums[kind] ?? 0) / (rows[kind] ?? 1);
  return { rows, length };
}

/** Null where no answer has n words. */
function distinct(answers: readonly Words[], n: number): number | null {
  const all = answers.flatMap(({ words }) => runsOf(words, n));
  return all.length === 0 ? null : new Set(all).size / all.length;
}

function duplicates(answers: readonly Words[]): number | null {
  const times = new Map<string, number>();
  for (const { words } of answers) {
    const text = words.join(' ');
    times.set(text, (times.get(text) ?? 0) + 1);
  }
  return shareOf(answers, ({ words }) => (times.get(words.join(' ')) ?? 0) > 1);
}

function isCopy({ words, context }: Words): boolean {
  const passage = new Set(runsOf(wordsOf(context ?? ''), COPIED_WORDS));
  return runsOf(words, COPIED_WORDS).some((run) => passage.has(run));
}

function isRefusal({ words }: Words): boolean {
  const opening = ` ${words.slice(0, OPENING_WORDS).join(' ').replaceAll(marks, '')} `;
  return words.length === 0 || refusals.some((refusal) => opening.includes(` ${refusal} `));
}

/** Every n words that follow one another. */
function runsOf(words: readonly string[], n: number): string[] {
  return words.slice(n - 1).map((_, at) => words.slice(at, at + n).join(' '));
}

/** Null of no answers. */
function shareOf(answers: readonly Words[], has: (answer: Words) => boolean): number | null {
  return answers.length === 0 ? null : answers.filter(has).length / answers.length;
}
