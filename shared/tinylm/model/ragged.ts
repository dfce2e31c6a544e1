type Ids = Int32Array | readonly number[];

/** One sequence: its tokens, and the positions at which the model is asked for the next token. */
export interface Sequence {
  readonly tokens: Ids;
  /** Ascending; the last one is the last token, as what follows it would change nothing. */
  readonly queries: Ids;
  /** The right answer at each query; empty when only asked. */
  readonly targets: Ids;
}

/** Sequences of different lengths laid one behind the other, without padding: row = token, query = row that is asked. */
export interface Ragged {
  readonly rows: number;
  readonly queries: number;
  readonly spans: readonly Span[];
  /** [rows, taps]: ids of a row's token and those before it, −1 before the beginning. */
  readonly windows: Int32Array;
  readonly positions: Int32Array;
  readonly queryRows: Int32Array;
  readonly queryPositions: Int32Array;
  readonly targets: Int32Array;
}

/** Where a sequence lies: `length` rows from `row`, `queries` queries from `query`. */
export interface Span {
  readonly row: number;
  readonly length: number;
  readonly query: number;
  readonly queries: number;
}

export function layOut(sequences: readonly Sequence[], taps: number): Ragged {
  const spans: Span[] = [];
  let rows = 0;
  let queries = 0;
  for (const sequence of sequences) {
    const span = { length: sequence.tokens.length, queries: sequence.queries.length };
    spans.push({ row: rows, query: queries, ...span });
    rows += span.length;
    queries += span.queries;
  }
  const windows = new Int32Array(rows * taps).fill(-1);
  const positions = new Int32Array(rows);
  const queryRows = new Int32Array(queries);
  const queryPositions = new Int32Array(queries);
  const targets = new Int32Array(queries);
  for (const [i, { row, length, query }] of spans.entries()) {
    const sequence = sequences[i] ?? { tokens: [], queries: [], targets: [] };
    for (const [position, token] of sequence.tokens.entries()) {
      positions[row + position] = position;
      for (let k = 0; k < taps && position + k < length; k++)
        windows[(row + position + k) * taps + k] = token;
    }
    queryPositions.set(sequence.queries, query);
    queryRows.set(
      sequence.queries.map((position) => row + position),
      query,
    );
    targets.set(sequence.targets, query);
  }
  return { rows, queries, spans, windows, positions, queryRows, queryPositions, targets };
}

/** Splits `items` into portions of at most `size` tokens together, or of one item that is longer. */
export function toPortions<T>(
  items: readonly T[],
  size: number,
  lengthOf: (item: T) => number,
): T[][] {
  const portions: T[][] = [];
  let room = 0;
  for (const item of items) {
    const length = lengthOf(item);
    if (length > room || portions.length === 0) {
      portions.push([]);
      room = size;
    }
    portions.at(-1)?.push(item);
    room -= length;
  }
  return portions;
}
