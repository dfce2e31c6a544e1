/**
 * Natural language inference without a model, for a machine that has none: how far the words of a hypothesis stand together in
 * ONE sentence of the premises. It knows the function words of English and nothing of any subject.
 *
 * Every content word that the sentence lacks counts against the hypothesis, and sharply: one leaves at most a quarter, so that a
 * foreign value, name or remark cannot hide among true words. A word may be missing where a paraphrase would put its verb or
 * noun ("Ada lives in …" for "Ada inhabits …", "The home of Ada is …"); then it counts a quarter. Not if another sentence has it
 * with the same name: then two statements were mixed. Negation, or another number where all else is there, is contradiction.
 *
 * It is built for short templated statements. On real text it sees copying, not meaning: against the human labels of QAGS,
 * Spearman 0.44 for summaries of CNN/DailyMail, which copy, and 0.18 for those of XSum, which do not.
 */
import { readWords, type Word } from './english-words.ts';
import { splitSentences } from './sentences.ts';
import type { NliImage } from './summac.ts';

/** Prepares premises once and returns a function that compares hypotheses with them; a sentence that comes again costs nothing. */
export function lexicalNli(
  premises: readonly string[],
): (hypotheses: readonly string[]) => NliImage {
  const context = readContext(premises);
  const known = new Map<string, readonly Relation[]>();
  const relationsOf = (hypothesis: string): readonly Relation[] => {
    const found = known.get(hypothesis) ?? relate(hypothesis, context);
    known.set(hypothesis, found);
    return found;
  };
  return (hypotheses) => {
    const columns = hypotheses.map(relationsOf);
    return {
      ent: premises.map((_, row) => columns.map((column) => column[row]?.ent ?? 0)),
      con: premises.map((_, row) => columns.map((column) => column[row]?.con ?? 0)),
    };
  };
}

interface Relation {
  readonly ent: number;
  readonly con: number;
}

interface Statement {
  readonly stems: ReadonlySet<string>;
  /** Words with a capital right behind another: they go on with a name. */
  readonly inner: ReadonlySet<string>;
  readonly negated: boolean;
  readonly hasNumber: boolean;
}

interface Context {
  /** The sentences of each premise, without questions: a question states nothing. */
  readonly premises: readonly (readonly Statement[])[];
  readonly all: readonly Statement[];
  /** In how many sentences a word stands. */
  readonly counts: ReadonlyMap<string, number>;
  /** Words that stand somewhere without a capital, so they are no names. */
  readonly plain: ReadonlySet<string>;
}

function readContext(texts: readonly string[]): Context {
  const words = texts.map((text) =>
    splitSentences(text)
      .filter((sentence) => !sentence.endsWith('?'))
      .map(readWords),
  );
  const premises = words.map((sentences) => sentences.map(statementOf));
  const all = premises.flat();
  const counts = new Map<string, number>();
  for (const { stems } of all)
    for (const stem of stems) counts.set(stem, (counts.get(stem) ?? 0) + 1);
  const plain = new Set(words.flat(2).flatMap(({ stem, capital }) => (capital ? [] : [stem])));
  return { premises, all, counts, plain };
}

function statementOf(words: readonly Word[]): Statement {
  return {
    stems: new Set(words.map(({ stem }) => stem)),
    inner: new Set(
      words.flatMap(({ stem, capital }, at) =>
        capital && words[at - 1]?.capital === true ? [stem] : [],
      ),
    ),
    negated: words.some(({ kind }) => kind === 'negation'),
    hasNumber: words.some(({ kind }) => kind === 'number'),
  };
}

/** A content word of a hypothesis. */
interface Claim {
  readonly stem: string;
  /** Rarity among the sentences of the context: what stands in all of them says little. */
  readonly weight: number;
  readonly isName: boolean;
  readonly isNumber: boolean;
  /** Whether a function word stands between it and the content word before or behind it. */
  readonly gapBefore: boolean;
  readonly gapAfter: boolean;
}

/** How each premise stands to a hypothesis: of its sentences the best, of the hypothesis's the worst. */
function relate(hypothesis: string, context: Context): readonly Relation[] {
  const columns = splitSentences(hypothesis).map((sentence) => {
    const words = readWords(sentence);
    const claims = claimsOf(words, context);
    const { negated } = statementOf(words);
    const column = context.premises.map((statements) =>
      statements
        .map((statement) => compare(claims, negated, statement, context))
        .reduce(stronger, nothing),
    );
    // Where one premise supports a sentence, another that gives other numbers is about something else.
    const doubt = 1 - Math.max(...column.map(({ ent }) => ent));
    return column.map(({ ent, con }) => ({ ent, con: con * doubt }));
  });
  return context.premises.map((_, row) => {
    const relations = columns.map((column) => column[row] ?? nothing);
    return {
      ent: relations.length === 0 ? 0 : Math.min(...relations.map(({ ent }) => ent)),
      con: Math.max(0, ...relations.map(({ con }) => con)),
    };
  });
}

const nothing: Relation = { ent: 0, con: 0 };

function stronger(left: Relation, right: Relation): Relation {
  return right.ent > left.ent || (right.ent === left.ent && right.con > left.con) ? right : left;
}

function claimsOf(words: readonly Word[], { all, counts, plain }: Context): Claim[] {
  const isContent = (word: Word | undefined): boolean =>
    word?.kind === 'content' || word?.kind === 'number';
  return words.flatMap((word, at) => {
    if (!isContent(word)) return [];
    const { stem, capital, kind } = word;
    // A capital at the beginning says nothing, unless another follows at once.
    const isName = capital && !plain.has(stem) && (at > 0 || words[1]?.capital === true);
    return {
      stem,
      weight: Math.log(1 + all.length / (counts.get(stem) ?? 1)),
      isName,
      isNumber: kind === 'number',
      gapBefore: at > 0 && !isContent(words[at - 1]),
      gapAfter: at + 1 < words.length && !isContent(words[at + 1]),
    };
  });
}

function compare(
  claims: readonly Claim[],
  negated: boolean,
  statement: Statement,
  { all }: Context,
): Relation {
  const isFound = ({ stem }: Claim): boolean => statement.stems.has(stem);
  const missing = claims.filter((claim) => !isFound(claim));
  if (missing.length === claims.length) return nothing;
  const total = weightOf(claims);
  const coverage = (total - weightOf(missing)) / total;
  const excused = coverage > 0.5 ? missing.filter(isExcused) : [];
  const understood = coverage + (0.75 * weightOf(excused)) / total;
  const ent = understood / (1 + 3 * (missing.length - excused.length));
  if (negated !== statement.negated) return { ent: 0, con: ent };
  const otherNumber = statement.hasNumber && missing.every(({ isNumber }) => isNumber);
  return { ent, con: missing.length > 0 && otherNumber ? coverage : 0 };

  /** Whether a paraphrase would put another word there. Something that is found must follow: news come last in a sentence. */
  function isExcused(claim: Claim): boolean {
    if (claim.isNumber) return false;
    const at = claims.indexOf(claim);
    if (claim.isName && !opensSentence(at)) return false;
    const before = claims[at - 1];
    if (!claims.slice(at + 1).some(isFound)) return false;
    const leads = at < 2 && !claims.slice(0, at).some((word) => word.isName && isFound(word));
    const followsName =
      before?.isName === true && isFound(before) && (!claim.gapBefore || claim.gapAfter);
    return (leads || followsName) && !isSaidOfSameName(claim);
  }

  /** Whether the word only stands before a name, which begins behind it: "Yesterday Ada …" is no other Ada. */
  function opensSentence(at: number): boolean {
    const next = claims[at + 1];
    return at === 0 && next?.isName === true && isFound(next) && !statement.inner.has(next.stem);
  }

  function isSaidOfSameName({ stem }: Claim): boolean {
    const names = claims.filter((claim) => claim.isName && isFound(claim));
    return (
      names.length > 0 &&
      all.some(
        ({ stems }) =>
          stems !== statement.stems &&
          stems.has(stem) &&
          names.every((name) => stems.has(name.stem)),
      )
    );
  }
}

function weightOf(claims: readonly Claim[]): number {
  return claims.reduce((sum, { weight }) => sum + weight, 0);
}
