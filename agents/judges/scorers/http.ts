/**
 * A scorer behind one POST to its URL (protocol.ts). GET of the same URL may answer `{"scorer":"name@version"}`; where it does not, the
 * `scorer` of its answer to a plain row is taken.
 *
 *   2xx                   decoded; what is no answer, or longer than 1 MiB, leaves the text unscored
 *   429, 5xx              TransientError with the service's Retry-After
 *   any other status      unscored, with the words of the service
 *   no connection         TransientError
 *   500, no whole answer  TransientError; the fourth time in a row for one text it is the text's fault, which is unscored
 */
import { z } from 'zod';
import { messageOf, TransientError } from '../../../shared/contract/failure.ts';
import { digestOf } from '../../../shared/contract/ids.ts';
import { withDeadline } from '../../../shared/process/deadline.ts';
import type { JudgedRow } from '../types/judge.ts';
import {
  anotherScorer,
  type Decoded,
  decodeAnswer,
  malformed,
  MAX_ANSWER_BYTES,
  questionOf,
  ScorerName,
  shortened,
  unscoredFor,
} from './protocol.ts';
import type { Scorer } from './scorer.ts';

export interface HttpScorerProfile {
  readonly url: string;
  readonly deadlineMs: number;
}

const Named = z.object({ scorer: ScorerName });
/** Anything that scores rows can score this one. */
const plainRow: JudgedRow = {
  instruction: 'Answer from the text.',
  context: 'The ferry left at noon.',
  question: 'When did the ferry leave?',
  references: ['at noon'],
};
const TRIES = 4;

export function createHttpScorer({ url, deadlineMs }: HttpScorerProfile): Scorer {
  let identity: { readonly name: string | null } | undefined;
  /** How often in a row a question was in hand when the service failed. */
  const suspects = new Map<string, number>();

  const ask = async (
    method: 'GET' | 'POST',
    question: object | undefined,
    signal: AbortSignal,
  ): Promise<Reply> => {
    try {
      return await withDeadline(deadlineMs, signal, (limit) =>
        readReply(url, method, question, limit),
      );
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof TransientError) throw error;
      if (isTimeout(error))
        throw new SuspiciousError(`the scorer ${url} gave no whole answer in ${deadlineMs} ms`);
      throw new TransientError(`cannot reach the scorer ${url}: ${causeOf(error)}`, {
        cause: error,
      });
    }
  };

  const look = async (signal: AbortSignal): Promise<string | null> => {
    const told = Named.safeParse(jsonOf(await ask('GET', undefined, signal)));
    if (told.success) return told.data.scorer;
    return decodeReply(await ask('POST', questionOf(plainRow, 'at noon'), signal)).scorer;
  };

  const identify = async (signal: AbortSignal): Promise<string | null> => {
    identity ??= { name: await look(signal) };
    return identity.name;
  };

  return {
    kind: 'http',
    identity: identify,
    score: async (row, answer, signal) => {
      const question = questionOf(row, answer);
      const key = digestOf(question);
      try {
        const { scorer, outcome } = decodeReply(await ask('POST', question, signal));
        suspects.delete(key);
        if (scorer === null) return outcome;
        const name = await identify(signal);
        return scorer === name ? outcome : malformed(anotherScorer(scorer, name));
      } catch (error) {
        if (!(error instanceof SuspiciousError)) throw error;
        const tries = (suspects.get(key) ?? 0) + 1;
        suspects.set(key, tries);
        if (tries < TRIES) throw error;
        suspects.delete(key);
        return unscoredFor('provider-error', `${error.message}, ${TRIES} times for this text`);
      }
    },
    close: () => Promise.resolve(),
  };
}

/** A failure of the service that the text in hand may have caused. */
class SuspiciousError extends TransientError {
  override readonly name = 'SuspiciousError';
}

/** `text` is null where the body is longer than an answer may be. */
interface Reply {
  readonly status: number;
  readonly text: string | null;
}

async function readReply(
  url: string,
  method: 'GET' | 'POST',
  question: object | undefined,
  signal: AbortSignal,
): Promise<Reply> {
  const response = await fetch(url, {
    method,
    signal,
    // The profile says who is asked; a redirect would let somebody else say so.
    redirect: 'manual',
    ...(question === undefined
      ? {}
      : { body: JSON.stringify(question), headers: { 'content-type': 'application/json' } }),
  });
  const { status } = response;
  const text = await readBody(response);
  // A service may know no GET, and many say so with 501.
  if (method === 'POST' && (status === 429 || status >= 500)) {
    const message = `the scorer ${url} answers ${status}: ${shortened(text ?? '', 200)}`;
    const wish = retryAfter(response.headers.get('retry-after'));
    throw status === 500 ? new SuspiciousError(message, wish) : new TransientError(message, wish);
  }
  return { status, text };
}

async function readBody({ body }: Response): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (body === null) return '';
  // Leaving the loop closes the connection, so no more is read than is kept.
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function decodeReply({ status, text }: Reply): Omit<Decoded, 'id'> {
  if (status >= 300 || status < 200)
    return {
      scorer: null,
      outcome: unscoredFor('provider-error', `the scorer answers ${status}: ${text ?? ''}`),
    };
  if (text === null)
    return { scorer: null, outcome: malformed(`it is longer than ${MAX_ANSWER_BYTES} bytes`) };
  return decodeAnswer(text);
}

/** Undefined where it is no JSON or no success. */
function jsonOf({ status, text }: Reply): unknown {
  if (status !== 200 || text === null) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Seconds or a date (RFC 9110, 10.2.3). */
function retryAfter(header: string | null): { retryAfterMs?: number } {
  if (header === null) return {};
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return ms > 0 ? { retryAfterMs: ms } : {};
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError';
}

/** fetch hides the reason, such as ECONNREFUSED, below its own errors. */
function causeOf(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error
    ? causeOf(error.cause)
    : messageOf(error);
}
