import type { OpenAI } from 'openai';
import { createHttpFetch } from '../../../shared/process/http-fetch.ts';
import { withDeadline } from '../../../shared/process/deadline.ts';
import { decodeCompletion, decodeSamples } from './decode.ts';
import { isGreedy, UNTOLD_CEILING, type Dialect } from './dialects.ts';
import type { Completed, Completion, ModelServer, Queue, ServedModel } from './driver.ts';
import { readQueue } from './gauges.ts';
import { gather } from './gather.ts';
import { createClient, listModels, rootOf, send, type ServerAddress } from './openai.ts';
import type { Switch } from './switch/switch.ts';

const QUEUE_DEADLINE_MS = 2000;
const MOST_METRICS_BYTES = 4_000_000;

/** A server of the OpenAI API, spoken to in its dialect; `switching` says how it gets another checkpoint. */
export function createEngine(
  address: ServerAddress,
  dialect: Dialect,
  switching: Switch,
): ModelServer {
  const client = createClient(address);
  return {
    url: address.url,
    tolerance: dialect.tolerance,
    ceiling: UNTOLD_CEILING,
    holdsOne: switching.holdsOne,
    served: switching.served ?? ((signal) => listed(client, signal)),
    load: (name, folder, signal) => switching.to(name, folder, signal),
    complete: createComplete(client, dialect, switching),
    queue: createQueue(address, dialect),
    close: () => switching.close(),
  };
}

/** `created` of these servers is the time of the question. */
export async function listed(client: OpenAI, signal: AbortSignal): Promise<readonly ServedModel[]> {
  return (await listModels(client, signal)).map((model) => ({ ...model, since: null }));
}

/** Samples that differ in their seeds alone are one request: sample i of it has the seed of the first plus i. */
function createComplete(
  client: OpenAI,
  dialect: Dialect,
  switching: Switch,
): ModelServer['complete'] {
  return gather<Completion, Completed>(
    async (completions, signal) => {
      const [first] = completions;
      if (first === undefined) return [];
      const n = completions.length;
      const model = switching.listedAs?.() ?? first.model;
      const body = { ...bodyOf(first, n, dialect), model };
      const sent = await send(() => client.post<unknown>('/completions', { body, signal }), signal);
      if ('refused' in sent) return completions.map(() => sent.refused);
      return n === 1
        ? [decodeCompletion(sent.answer, model)]
        : decodeSamples(sent.answer, model, n);
    },
    {
      most: dialect.samples,
      // Greedy ones are alone: vLLM refuses several, and they would all be the same.
      sizeOf: (completion) => (isGreedy(completion) ? dialect.samples : 1),
      keyOf: (completion) => JSON.stringify({ ...completion, seed: 0 }),
    },
  );
}

/** The body of a request for `n` samples. Log probabilities of several samples tell how many tokens each of them has. */
export function bodyOf(completion: Completion, n: number, dialect: Dialect) {
  const { model, prompt, temperature, seed, maxTokens, logprobs } = completion;
  return {
    model,
    prompt,
    n,
    temperature,
    seed,
    max_tokens: maxTokens,
    ...dialect.fields(completion),
    ...(logprobs ? { logprobs: 1 } : n > 1 ? { logprobs: 0 } : {}),
  };
}

function createQueue(address: ServerAddress, { gauges }: Dialect): ModelServer['queue'] {
  if (gauges === null) return () => Promise.resolve(null);
  const fetch = createHttpFetch(MOST_METRICS_BYTES);
  const headers = address.key === undefined ? {} : { authorization: `Bearer ${address.key}` };
  return (signal): Promise<Queue | null> =>
    withDeadline(QUEUE_DEADLINE_MS, signal, async (limit) => {
      const answer = await fetch(`${rootOf(address)}/metrics`, { headers, signal: limit });
      return answer.ok ? readQueue(await answer.text(), gauges) : null;
    });
}
