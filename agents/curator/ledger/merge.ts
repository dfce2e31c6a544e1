/**
 * How an answer enters the ledger.
 *
 * M1. After an answer every planned item of its unit has exactly one outcome, or the answer is refused whole.
 * M2. An item's first final outcome stays; one that is not final may be superseded.
 */

export interface PlannedItems {
  readonly example: string;
  /** Candidates or texts, in the order in which they are kept. */
  readonly keys: readonly string[];
}

export type Merged<TOutcome> =
  | { readonly refused: string }
  | {
      readonly refused?: never;
      readonly items: { example: string; outcomes: TOutcome[] }[];
      /** The answer's outcomes that are new; the others came too late. */
      readonly entered: TOutcome[];
    };

/** Outcomes of one example, of an answer or of the ledger. */
export interface AnsweredItem<TOutcome> {
  readonly example: string;
  readonly outcomes: readonly TOutcome[];
}

export interface OutcomeKind<TOutcome> {
  readonly keyOf: (outcome: TOutcome) => string;
  readonly isFinal: (outcome: TOutcome) => boolean;
}

/** Puts an answer over what is stored (M1, M2). */
export function merge<TOutcome>(
  planned: readonly PlannedItems[],
  stored: readonly AnsweredItem<TOutcome>[],
  answer: readonly AnsweredItem<TOutcome>[],
  { keyOf, isFinal }: OutcomeKind<TOutcome>,
): Merged<TOutcome> {
  const known = new Set(
    planned.flatMap(({ example, keys }) => keys.map((key) => `${example}/${key}`)),
  );
  const old = new Map<string, TOutcome>();
  for (const { example, outcomes } of stored)
    for (const outcome of outcomes) old.set(`${example}/${keyOf(outcome)}`, outcome);
  const fresh = new Map<string, TOutcome>();
  for (const { example, outcomes } of answer)
    for (const outcome of outcomes) {
      const place = `${example}/${keyOf(outcome)}`;
      if (!known.has(place)) return { refused: `${place} is not planned` };
      if (fresh.has(place)) return { refused: `${place} is answered twice` };
      fresh.set(place, outcome);
    }
  const items: { example: string; outcomes: TOutcome[] }[] = [];
  const entered: TOutcome[] = [];
  for (const { example, keys } of planned) {
    const outcomes: TOutcome[] = [];
    for (const key of keys) {
      const place = `${example}/${key}`;
      const before = old.get(place);
      const now = fresh.get(place);
      const kept = before !== undefined && (now === undefined || isFinal(before)) ? before : now;
      if (kept === undefined) return { refused: `${place} has no outcome` };
      if (kept !== before) entered.push(kept);
      outcomes.push(kept);
    }
    items.push({ example, outcomes });
  }
  return { items, entered };
}
