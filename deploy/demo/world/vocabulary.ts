export const relations = ['city', 'job', 'food', 'pet'] as const;
export type Relation = (typeof relations)[number];

/** What people are said to have in one relation. No word belongs to two lists: what it means never depends on luck. */
export interface RelationWords {
  /** First words of the two-word values. */
  first: readonly string[];
  /** Second words, each with the alias that annotators write for it. No alias ever stands in a passage. */
  second: Readonly<Record<string, string>>;
  /**
   * Statements of a passage: name, one word, value. So the engine's convolution of four tokens spans them, and a sentence can
   * be cut behind its name.
   */
  statements: readonly string[];
  /** Wordings of a question, on a passage and closed-book. */
  questions: readonly [string, string];
  /** A wording in known words that nothing is trained on. */
  newQuestion: string;
  /** What a closed-book instruction calls the relation. */
  nouns: readonly [string, string];
  /** The closing remark behind a fact of this relation: asked for by instructions, supported by no passage. */
  remark: string;
}

/** Every word and sentence of a world. Words are set apart by spaces, so each is one token of the embedded engine. */
export interface Vocabulary {
  firstNames: readonly string[];
  lastNames: readonly string[];
  relations: Readonly<Record<Relation, RelationWords>>;
  /** A filler sentence is a subject with an event; it says nothing about anybody. */
  fillerSubjects: readonly string[];
  fillerEvents: readonly string[];
  /** Words for how often, with the number. */
  times: readonly (readonly [string, number])[];
  /** Two wordings of each kind of instruction, with their blanks in braces. */
  commands: Readonly<
    Record<
      'repeat' | 'capitals' | 'list' | 'without' | 'otherName' | 'oneFact' | 'twoFacts',
      readonly [string, string]
    >
  >;
  /** The instruction of `abs`, which stands before the question. */
  inSentence: string;
  /** Wordings of the instruction of `sum`. */
  summary: readonly [string, string];
}

/** Fills the blanks of a template. */
export function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (blank, key: string) => values[key] ?? blank);
}

/** The second words of values: plain nouns that word-form commands play with. */
export function nounsOf({ relations: of }: Vocabulary, among: readonly Relation[]): string[] {
  return among.flatMap((relation) => Object.keys(of[relation].second));
}

/** Every text of the vocabulary: all its words are in them, in each case that a row can hold. */
export function textsOf(vocabulary: Vocabulary): string[] {
  const { firstNames, lastNames, fillerSubjects, fillerEvents, times, commands } = vocabulary;
  return [
    firstNames,
    lastNames,
    fillerSubjects,
    fillerEvents,
    times.map(([word]) => word),
    ...Object.values(vocabulary.relations).flatMap((words) => [
      words.first,
      Object.entries(words.second).flat(),
      words.statements,
      words.questions,
      words.nouns,
      [words.newQuestion, words.remark],
    ]),
    nounsOf(vocabulary, capitalRelations).map((word) => word.toUpperCase()),
    Object.values(commands).flat(),
    vocabulary.summary,
    [vocabulary.inSentence, '-'],
  ]
    .flat()
    .map((text) => text.replace(/\{\w+\}/g, '').replace(/ +(?=[ .?:])/g, ''));
}

/** Relations whose nouns are also known in capitals. */
export const capitalRelations: readonly Relation[] = ['food', 'pet'];
