import { OpenAI } from 'openai';
import type { CompletionCreateParamsNonStreaming } from 'openai/resources/completions';
import { PermanentError } from '../../../shared/contract/failure.ts';
import { createHttpFetch } from '../../../shared/process/http-fetch.ts';
import { decodeCompletion, decodeFailure } from './decode.ts';
import type { Completed, Completion, ModelServer, ServedModel } from './driver.ts';

/** Where a server is, from its profile. */
export interface ServerAddress {
  /** With or without the `/v1` at its end. */
  url: string;
  key: string | undefined;
}

/** The SDK's own retries and time-outs are off: it obeys any Retry-After, and its time-out ends with the headers. */
export function createClient({ url, key }: ServerAddress): OpenAI {
  return new OpenAI({
    baseURL: url.replace(/\/+$/, '').replace(/(\/v1)?$/, '/v1'),
    apiKey: key ?? 'none',
    fetch: createHttpFetch(),
    maxRetries: 0,
    timeout: 24 * 60 * 60 * 1000,
  });
}

/**
 * Any server of the OpenAI API (vLLM, SGLang, llama.cpp, hosted ones). It cannot be told to switch checkpoints, so it is only verified: the
 * unit waits until someone serves the checkpoint under its name.
 */
export function createOpenAiServer(address: ServerAddress): ModelServer {
  const client = createClient(address);
  return {
    served: (signal) => listModels(client, signal),
    load: (name, folder) =>
      Promise.reject(
        new PermanentError(
          `${address.url} does not serve ${name}, and this driver cannot load it: start the server with ${folder} as --served-model-name ${name}`,
        ),
      ),
    complete: (completion, signal) => complete(client, completion, signal),
  };
}

export async function listModels(
  client: OpenAI,
  signal: AbortSignal,
): Promise<readonly ServedModel[]> {
  const { data } = await request(() => client.models.list({ signal }), signal);
  return data.map(({ id, created }) => ({ name: id, since: created }));
}

async function complete(
  client: OpenAI,
  completion: Completion,
  signal: AbortSignal,
): Promise<Completed> {
  const sent = await send(() => client.completions.create(bodyOf(completion), { signal }), signal);
  return 'refused' in sent ? sent.refused : decodeCompletion(sent.answer, completion.model);
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

/** The body of a completion request. */
export function bodyOf({
  model,
  prompt,
  temperature,
  topK,
  seed,
  maxTokens,
  logprobs,
}: Completion): CompletionCreateParamsNonStreaming & { top_k?: number } {
  return {
    model,
    prompt,
    temperature,
    seed,
    max_tokens: maxTokens,
    ...(topK > 0 ? { top_k: topK } : {}),
    ...(logprobs ? { logprobs: 1 } : {}),
  };
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

function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError';
}
