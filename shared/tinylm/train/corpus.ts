import type { Tokenizer } from '../model/tokenizer.ts';
import type { Sequence } from '../model/ragged.ts';
import type { PlacedRow, TrainingRow } from './data.ts';
import { TrainingFailure } from './failure.ts';

/** Tokenised rows, flat and in shared memory, so that every thread reads the same copy. */
export interface Corpus {
  readonly count: number;
  readonly tokens: Int32Array;
  /** Row i has tokens starts[i] to starts[i + 1]. */
  readonly starts: Int32Array;
  /** Positions within the row whose next token is learned; row i has queryStarts[i] to queryStarts[i + 1]. */
  readonly queries: Int32Array;
  readonly queryStarts: Int32Array;
  /** Most tokens of a row that a forward pass reads. */
  readonly longest: number;
}

/** `cut`: rows end here. `limit`: a row still longer than this is refused, as the model has no positions for it. */
export interface LengthLimits {
  readonly cut: number;
  readonly limit: number;
}

/** Throws TrainingFailure 'bad-data' that names the place of a row that is too long, or has nothing left to learn. */
export function toCorpus(
  rows: readonly PlacedRow[],
  tokenizer: Tokenizer,
  limits: LengthLimits,
): Corpus {
  const tokens: number[][] = [];
  const queries: number[][] = [];
  for (const { row, place } of rows) {
    const sequence = toTokens(row, tokenizer);
    if (Math.min(sequence.tokens.length, limits.cut) > limits.limit)
      throw new TrainingFailure(
        'bad-data',
        `${place}: ${sequence.tokens.length} tokens, but the model takes ${limits.limit}; shorten the row, set training.maxLength, or train a model with more max_position_embeddings`,
      );
    const kept = sequence.queries.filter((position) => position + 1 < limits.cut);
    if (kept.length === 0)
      throw new TrainingFailure(
        'bad-data',
        `${place}: no token of a completion within the first ${limits.cut} tokens; shorten the prompt or raise training.maxLength`,
      );
    tokens.push(sequence.tokens.slice(0, limits.cut));
    queries.push(kept);
  }
  return {
    count: rows.length,
    ...flatten(tokens, queries),
    longest: queries.reduce((most, positions) => Math.max(most, (positions.at(-1) ?? -1) + 1), 0),
  };
}

/** The end token, then each turn's prompt, completion and end token. */
function toTokens(row: TrainingRow, tokenizer: Tokenizer) {
  const tokens = [tokenizer.endToken];
  const queries: number[] = [];
  for (const { prompt, completion } of row.turns) {
    for (const token of tokenizer.encode(prompt)) tokens.push(token);
    for (const token of [...tokenizer.encode(completion), tokenizer.endToken]) {
      queries.push(tokens.length - 1);
      tokens.push(token);
    }
  }
  return { tokens, queries };
}

function flatten(tokens: readonly number[][], queries: readonly number[][]) {
  return {
    tokens: shared(tokens.flat()),
    starts: shared(startsOf(tokens)),
    queries: shared(queries.flat()),
    queryStarts: shared(startsOf(queries)),
  };
}

function startsOf(lists: readonly number[][]): number[] {
  const starts = [0];
  for (const list of lists) starts.push((starts.at(-1) ?? 0) + list.length);
  return starts;
}

function shared(values: readonly number[]): Int32Array {
  const array = new Int32Array(new SharedArrayBuffer(values.length * 4));
  array.set(values);
  return array;
}

/** Row `i` as the model reads it, without the tokens behind its last query. */
export function sequenceOf(corpus: Corpus, i: number): Sequence {
  const start = corpus.starts[i] ?? 0;
  const from = corpus.queryStarts[i] ?? 0;
  const queries = corpus.queries.subarray(from, corpus.queryStarts[i + 1]);
  const tokens = corpus.tokens.subarray(start, start + (queries.at(-1) ?? -1) + 1);
  const targets = queries.map((position) => corpus.tokens[start + position + 1] ?? 0);
  return { tokens, queries, targets };
}

/** Number of tokens that row `i` is trained on. */
export function queryCountOf(corpus: Corpus, i: number): number {
  return (corpus.queryStarts[i + 1] ?? 0) - (corpus.queryStarts[i] ?? 0);
}
