import { PermanentError } from '../../../shared/contract/failure.ts';
import type { NliPair } from './nli.ts';
import type { Tokenizer } from './onnx-packages.ts';

/** Token ids of a pair with its special tokens, and to which text each belongs. */
export interface EncodedPair {
  readonly ids: readonly number[];
  readonly types: readonly number[];
}

/**
 * Makes tokens of pairs as transformers does with `truncation="only_first"`: what is too long loses the end of its premise. Where the hypothesis
 * alone is too long transformers fails; here it is cut too, and half of the room stays with the premise.
 */
export function createPairEncoder(
  tokenizer: Tokenizer,
  maxTokens: number,
): (pairs: readonly NliPair[]) => EncodedPair[] {
  const bare = (text: string): readonly number[] =>
    tokenizer.encode(text, { add_special_tokens: false }).ids;
  const { before, between, behind, types } = templateOf(tokenizer, bare);
  const room = maxTokens - before.length - between.length - behind.length;

  const join = (premise: readonly number[], hypothesis: readonly number[]): EncodedPair => ({
    ids: [...before, ...premise, ...between, ...hypothesis, ...behind],
    types: [
      ...before.map(() => types.before),
      ...premise.map(() => types.premise),
      ...between.map(() => types.between),
      ...hypothesis.map(() => types.hypothesis),
      ...behind.map(() => types.behind),
    ],
  });

  return (pairs) => {
    // Each text of an answer's pairs stands in many of them.
    const known = new Map<string, readonly number[]>();
    const idsOf = (text: string): readonly number[] => {
      const ids = known.get(text) ?? bare(text);
      known.set(text, ids);
      return ids;
    };
    return pairs.map(([premise, hypothesis]) => {
      const [first, second] = [idsOf(premise), idsOf(hypothesis)];
      const least = second.length < room ? 1 : Math.floor(room / 2);
      const kept = second.slice(0, room - Math.min(first.length, least));
      return join(first.slice(0, room - kept.length), kept);
    });
  };
}

/** The special tokens around a pair, and the type of each part, read off a pair of two letters. */
function templateOf(tokenizer: Tokenizer, bare: (text: string) => readonly number[]) {
  const [premise, hypothesis] = [bare('a'), bare('b')];
  const pair = tokenizer.encode('a', {
    text_pair: 'b',
    add_special_tokens: true,
    return_token_type_ids: true,
  });
  const { ids } = pair;
  const first = indexOf(ids, premise, 0);
  const second = indexOf(ids, hypothesis, first + premise.length);
  if (first < 0 || second < 0)
    throw new PermanentError(
      'tokenizer.json: its post-processor does not put a premise before a hypothesis',
    );
  const types = pair.token_type_ids ?? ids.map(() => 0);
  const typeAt = (place: number): number => types[place] ?? 0;
  const [firstEnd, secondEnd] = [first + premise.length, second + hypothesis.length];
  return {
    before: ids.slice(0, first),
    between: ids.slice(firstEnd, second),
    behind: ids.slice(secondEnd),
    types: {
      before: typeAt(0),
      premise: typeAt(first),
      between: typeAt(firstEnd),
      hypothesis: typeAt(second),
      behind: typeAt(secondEnd),
    },
  };
}

function indexOf(ids: readonly number[], part: readonly number[], from: number): number {
  if (part.length === 0 || from < 0) return -1;
  return ids.findIndex(
    (_, at) => at >= from && part.every((id, offset) => ids[at + offset] === id),
  );
}
