import { APIError } from 'openai';
import { z } from 'zod';
import { messageOf, TransientError } from '../../../shared/contract/failure.ts';
import { decodeCompletion, decodeFailure } from './decode.ts';
import type { Completed, Completion, ModelServer } from './driver.ts';
import { gather } from './gather.ts';
import { createClient, listModels, request, send, type ServerAddress } from './openai.ts';

/** Characters of the prompts of one call: in bytes, escaped as JSON, far below what the server reads at once. */
const MOST_CHARACTERS = 500_000;

/** All seven settings of two units of the largest kind: it decodes them in a few batches, and both cores have one. */
const CEILING = 448;

/** It decodes with the kernels that trained. */
const SAME_ARITHMETIC = 1e-3;

const Replies = z.object({
  replies: z.array(
    z.object({
      status: z.int(),
      headers: z.record(z.string(), z.string()).optional(),
      body: z.unknown(),
    }),
  ),
});

/**
 * `tinylm serve`: the OpenAI API, `POST /v1/models` to load a checkpoint under a name of its own (it must see the checkpoint folder), and
 * `POST /v1/completions/batch` for several completions in one call: a small model answers faster than HTTP calls are made.
 */
export function createTinylmServer(address: ServerAddress): ModelServer {
  const client = createClient(address);
  const size = { most: MOST_CHARACTERS, sizeOf: ({ prompt }: Completion) => prompt.length };
  const complete = gather<Completion, Completed>(async (completions, signal) => {
    const body = { completions: completions.map(bodyOf) };
    const sent = await send(
      () => client.post<unknown>('/completions/batch', { body, signal }),
      signal,
    );
    if ('refused' in sent) return completions.map(() => sent.refused);
    const parsed = Replies.safeParse(sent.answer);
    if (!parsed.success)
      throw new TransientError(
        `the model server's answer is no batch:\n${z.prettifyError(parsed.error)}`,
      );
    const { replies } = parsed.data;
    return completions.map(({ model }, i) => decodeReply(replies[i], model));
  }, size);
  return {
    url: address.url,
    tolerance: SAME_ARITHMETIC,
    ceiling: CEILING,
    holdsOne: false,
    served: (signal) => listModels(client, signal),
    load: async (id, path, signal) => {
      await request(() => client.post('/models', { body: { id, path }, signal }), signal);
    },
    complete,
    queue: () => Promise.resolve(null),
    close: () => Promise.resolve(),
  };
}

/** What is left out means what it says: off. */
function bodyOf({ model, prompt, temperature, topK, seed, maxTokens, logprobs }: Completion) {
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

/** One reply of a batch means what it would mean as a response of its own. */
function decodeReply(
  reply: z.infer<typeof Replies>['replies'][number] | undefined,
  model: string,
): Completed | Error {
  if (reply === undefined) return new TransientError('the model server left out a reply');
  const { status, headers, body } = reply;
  if (status !== 200)
    return decodeFailure(
      APIError.generate(status, body as object, undefined, new Headers(headers)),
    );
  try {
    return decodeCompletion(body, model);
  } catch (error) {
    return error instanceof Error ? error : new Error(messageOf(error));
  }
}
