/**
 * What came of an HTTP exchange with a provider, every case of it. `unanswered` is final for this text and never a number, "later" is thrown as a
 * TransientError, "stop" as a StopError.
 *
 * | case                                                                                  | what it is              |
 * | ------------------------------------------------------------------------------------- | ----------------------- |
 * | finish_reason stop, content a text                                                    | answered                |
 * | message.refusal                                                                       | unanswered, refusal     |
 * | finish_reason content_filter; an error with such a code; 403 for flagged input        | unanswered, filtered    |
 * | finish_reason length, or none                                                         | unanswered, cut-off     |
 * | content null or blank                                                                 | unanswered, empty       |
 * | no completion: not JSON, truncated, above 1 MB, no choice, no usage, odd finish_reason | unanswered, malformed   |
 * | 413; an error about the length of the context; 429 "request too large"                | unanswered, too-long    |
 * | 400, 422, 451                                                                         | unanswered, provider-error |
 * | 408, 409, 425, 5xx, no connection, cut connection; 200 with an error                  | later, tried three times |
 * | 429; 503, 529                                                                         | later, waited for       |
 * | no whole answer within the deadline                                                   | later, at once          |
 * | 401, 403, other 4xx and 3xx                                                           | stop: key or URL        |
 * | 402; any error with a code or text of quota, budget or billing                        | stop: payment           |
 * | 404; an answer as another model                                                       | stop: model             |
 */
import { z } from 'zod';
import { TransientError } from '../../../shared/contract/failure.ts';
import type { Price } from '../../../shared/contract/peer.ts';
import type { Cause } from '../../../shared/contract/work.ts';
import { meaningOf } from './decode-failure.ts';
import { usageOf } from './price.ts';
import type { Completed, Unanswered } from './provider.ts';
import { wishOf } from './retry-after.ts';
import { StopError } from '../stop.ts';

const Counts = z
  .object({
    prompt_tokens: z.int().nonnegative(),
    completion_tokens: z.int().nonnegative(),
    prompt_tokens_details: z.object({ cached_tokens: z.int().nonnegative().nullish() }).nullish(),
  })
  .transform(({ prompt_tokens, completion_tokens, prompt_tokens_details }) => ({
    promptTokens: prompt_tokens,
    cachedTokens: prompt_tokens_details?.cached_tokens ?? 0,
    completionTokens: completion_tokens,
  }));

const Counted = z.object({ usage: Counts });

const Choice = z.object({
  finish_reason: z.string().nullish(),
  message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
});

/** What is read of a completion; servers add much and leave out some. */
const Completion = Counted.extend({
  model: z.string(),
  system_fingerprint: z.string().nullish(),
  choices: z.tuple([Choice]),
});
type Completion = z.infer<typeof Completion>;

const Failed = z.union([
  z.object({ error: z.union([z.string(), z.looseObject({})]) }),
  z
    .object({ choices: z.tuple([z.object({ error: z.looseObject({}) })]) })
    .transform(({ choices: [{ error }] }) => ({ error })),
]);

export interface Asked {
  model: string;
  price: Price | null;
}

/** The completion in the body of a successful response. Throws for an error in it and for another model. */
export function readCompletion(body: unknown, asked: Asked): Completion | Unanswered {
  const failed = Failed.safeParse(body);
  if (failed.success) return failureInside(failed.data.error);
  const parsed = Completion.safeParse(body);
  if (parsed.success) {
    const { model } = parsed.data;
    if (isSameModel(asked.model, model)) return parsed.data;
    throw new StopError(
      `model ${asked.model} was asked and ${model} answered: its answers are not used. Name the model that is served`,
    );
  }
  const counted = Counted.safeParse(body);
  return {
    outcome: 'unanswered',
    cause: 'malformed',
    reason: `the answer is no completion: ${z.prettifyError(parsed.error)}`,
    text: null,
    usage: counted.success ? usageOf(counted.data.usage, asked.price) : null,
  };
}

/** What a completion says. */
export function outcomeOf(completion: Completion, { price }: Asked): Completed {
  const {
    model,
    system_fingerprint: systemFingerprint = null,
    choices: [{ finish_reason: finish, message }],
  } = completion;
  const { refusal, content: text = null } = message;
  const usage = usageOf(completion.usage, price);
  const unanswered = (cause: Cause, reason: string): Unanswered => ({
    outcome: 'unanswered',
    cause,
    reason,
    text,
    usage,
  });
  if (hasText(refusal)) return { ...unanswered('refusal', 'the model refuses'), text: refusal };
  if (finish === 'content_filter')
    return unanswered('filtered', 'the provider filtered the answer');
  if (finish === 'length') return unanswered('cut-off', 'the answer was cut by max_tokens');
  if (finish === null || finish === undefined)
    return unanswered('cut-off', 'the answer was cut: it has no finish_reason');
  if (finish === 'error') throw new TransientError('the provider failed while it answered');
  if (finish !== 'stop') return unanswered('malformed', `finish_reason ${finish}`);
  if (!hasText(text)) return unanswered('empty', 'the answer has no text');
  return { outcome: 'answered', text, model, systemFingerprint, usage };
}

/** Which backend gave a completion: the model's dated name where it is another than asked for, and its fingerprint. */
export function backendOf(completion: Completion, { model }: Asked): string | null {
  const dated = completion.model === model ? [] : [completion.model];
  const fingerprint = completion.system_fingerprint ?? '';
  const names = [...dated, ...(fingerprint === '' ? [] : [fingerprint])];
  return names.length === 0 ? null : names.join(' ');
}

/** An alias is answered by a dated name: gpt-4 by gpt-4-0613, gpt-4o by gpt-4o-2024-08-06, and not by gpt-4o-mini. */
export function isSameModel(asked: string, answered: string): boolean {
  if (!answered.startsWith(asked)) return false;
  return /^([-@](\d{3,4}|\d{6}|\d{8}|\d{4}-\d{2}-\d{2}))?$/.test(answered.slice(asked.length));
}

/** HTTP says 200, its body says what went wrong; some put the status there too. */
function failureInside(error: string | Readonly<Record<string, unknown>>): Unanswered {
  const { code, type, message } =
    typeof error === 'string' ? { code: '', type: '', message: error } : error;
  const said = typeof message === 'string' ? message : JSON.stringify(error);
  const meaning = meaningOf({
    status: Number(code) >= 400 && Number(code) < 600 ? Number(code) : 500,
    code: [code, type].join(' '),
    message: said,
    wishMs: wishOf(new Headers(), said, Date.now()),
  });
  if (meaning instanceof Error) throw meaning;
  return meaning;
}

function hasText(text: string | null | undefined): text is string {
  return typeof text === 'string' && text.trim() !== '';
}
