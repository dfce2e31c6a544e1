/**
 * What is said between a judge and a user's own scorer, the same over HTTP and over JSON lines. Version 1:
 *
 *   asked     {"version":1,"row":{"instruction","context","question","references","constraints"},"answer":"…"}
 *   answered  {"value":0.5,"details":{…}}   or   {"unscored":"why there is no value"}
 *
 * The row of an instruction that goes on with a conversation has `history` too: `[{"prompt","completion"}]`.
 *
 * A value is in [0, 1]; `details` may be left out; `scorer` may say name and version of who answers.
 */
import { z } from 'zod';
import { messageOf } from '../../../shared/contract/failure.ts';
import { closedObject, problemsOf } from '../../../shared/contract/problems.ts';
import type { Cause, Outcome } from '../../../shared/contract/work.ts';
import type { JudgedRow } from '../types/judge.ts';

/** An answer is at most this long. */
export const MAX_ANSWER_BYTES = 1024 * 1024;

/** Details above this are left out: those of all texts of a unit travel in one message of the bus. */
const MAX_DETAILS_BYTES = 2048;
const MAX_REASON_CHARACTERS = 500;

export const ScorerName = z.string().min(1).max(200);

const Answer = closedObject({
  id: z.int().optional(),
  scorer: ScorerName.optional(),
  value: z.number().min(0).max(1).optional(),
  details: z.record(z.string(), z.unknown()).default({}),
  unscored: z.string().min(1).optional(),
});

const Numbered = z.object({ id: z.int() });

export interface Decoded {
  /** Which question it answers, null where it does not say. */
  readonly id: number | null;
  readonly scorer: string | null;
  readonly outcome: Outcome;
}

/** A row of another kind has null, or nothing in `references` and `constraints`. */
export function questionOf(row: JudgedRow, answer: string): Readonly<Record<string, unknown>> {
  const { instruction, history, context, question, references, constraints = [] } = row;
  return {
    version: 1,
    row: { instruction, history, context, question, references, constraints },
    answer,
  };
}

/** Every text means something; what is no answer is `malformed`. */
export function decodeAnswer(text: string): Decoded {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch (error) {
    return {
      id: null,
      scorer: null,
      outcome: malformed(`no JSON (${messageOf(error)}): ${shortened(text, 100)}`),
    };
  }
  const id = Numbered.safeParse(said).data?.id ?? null;
  const parsed = Answer.safeParse(said);
  if (!parsed.success) return { id, scorer: null, outcome: malformed(problemsOf(parsed.error)) };
  const { scorer = null, value, unscored, details } = parsed.data;
  if ((value === undefined) === (unscored === undefined))
    return { id, scorer, outcome: malformed('give one of value and unscored') };
  const outcome: Outcome =
    value === undefined
      ? { outcome: 'unscored', reason: shortened(unscored ?? '', MAX_REASON_CHARACTERS) }
      : { outcome: 'scored', value, details: boundedDetails(details) };
  return { id, scorer, outcome };
}

export function malformed(problem: string): Outcome {
  return unscoredFor('malformed', `the scorer's answer cannot be used: ${problem}`);
}

export function unscoredFor(cause: Cause, reason: string): Outcome {
  return { outcome: 'unscored', cause, reason: shortened(reason, MAX_REASON_CHARACTERS) };
}

/** A service that was exchanged while this peer runs: its values must not be filed under who was there before. */
export function anotherScorer(now: string, before: string | null): string {
  return `the scorer is ${now} now and was ${before ?? 'without a name'} when this peer asked first: start the peer again`;
}

function boundedDetails(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const bytes = Buffer.byteLength(JSON.stringify(details));
  return bytes <= MAX_DETAILS_BYTES
    ? { ...details }
    : { leftOut: `details of ${bytes} bytes: at most ${MAX_DETAILS_BYTES} are kept` };
}

export function shortened(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters)}…`;
}
