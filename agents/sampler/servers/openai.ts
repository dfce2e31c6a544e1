import { OpenAI } from 'openai';
import { PermanentError } from '../../../shared/contract/failure.ts';
import { createHttpFetch, StaleConnectionError } from '../../../shared/process/http-fetch.ts';
import { decodeFailure } from './decode.ts';
import type { Completed, ServedModel } from './driver.ts';

/** Where a server is, from its profile. */
export interface ServerAddress {
  /** With or without the `/v1` at its end. */
  url: string;
  key: string | undefined;
}

/** Without the `/v1` and slashes at its end: where the routes are that are not OpenAI's. */
export function rootOf({ url }: ServerAddress): string {
  return url.replace(/\/+$/, '').replace(/\/v1$/, '');
}

/** A client of the OpenAI API. The SDK's own retries and time-outs are off: it obeys any Retry-After, and its time-out ends with the headers. */
export function createClient(address: ServerAddress): OpenAI {
  return new OpenAI({
    baseURL: `${rootOf(address)}/v1`,
    apiKey: address.key ?? 'none',
    fetch: overStaleConnections(createHttpFetch()),
    maxRetries: 0,
    timeout: 24 * 60 * 60 * 1000,
  });
}

/**
 * llama.cpp closes a connection after 100 requests, uvicorn, which vLLM has, after five idle seconds. Asked again at once, on another connection:
 * the same request gives the same samples. Each one takes a dead connection out of the pool, and a new one is never stale.
 */
function overStaleConnections(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (input, init) => {
    for (;;) {
      try {
        return await fetch(input, init);
      } catch (error) {
        if (!(error instanceof StaleConnectionError)) throw error;
      }
    }
  };
}

export async function listModels(
  client: OpenAI,
  signal: AbortSignal,
): Promise<readonly ServedModel[]> {
  const { data } = await request(() => client.models.list({ signal }), signal);
  return data.map(({ id, created, ...more }) => {
    // Not of OpenAI; vLLM, SGLang and tinylm say it.
    const window = 'max_model_len' in more ? more.max_model_len : undefined;
    return {
      name: id,
      since: created,
      ...(typeof window === 'number' ? { window } : {}),
    };
  });
}

/** The answer to a request about candidates, or what a refusal of this very request means for each of them. */
export async function send(
  call: () => PromiseLike<unknown>,
  signal: AbortSignal,
): Promise<{ answer: unknown } | { refused: Completed }> {
  try {
    return { answer: await call() };
  } catch (error) {
    rethrowAbort(signal);
    const meaning = decodeFailure(error);
    if (meaning instanceof Error) throw meaning;
    return { refused: meaning };
  }
}

/** A request that is not about one candidate: what a server refuses then is how it is used. */
export async function request<TAnswer>(
  call: () => PromiseLike<TAnswer>,
  signal: AbortSignal,
): Promise<TAnswer> {
  try {
    return await call();
  } catch (error) {
    rethrowAbort(signal);
    const meaning = decodeFailure(error);
    if (meaning instanceof Error) throw meaning;
    throw new PermanentError(meaning.outcome === 'failed' ? meaning.reason : 'refused', {
      cause: error,
    });
  }
}

/** A request that its caller gave up is no failure of the server; one that its deadline ended is. */
function rethrowAbort({ aborted, reason }: AbortSignal): void {
  if (aborted && !isTimeout(reason)) throw reason;
}

/** Whether a deadline ended it. */
export function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError';
}
