/**
 * `transformers serve`: it loads whatever folder a request names as its model and lists none of them, so names are ours alone. Its own
 * fields know temperature and top-p; the others travel as a generation_config. It gives no log probabilities: of a probe the texts count.
 */
import type { OpenAI } from 'openai';
import { TransientError } from '../../../shared/contract/failure.ts';
import { decodeCompletion } from './decode.ts';
import { dialects, isGreedy, UNTOLD_CEILING } from './dialects.ts';
import type { Completion, ModelServer, ServedModel } from './driver.ts';
import { createClient, request, rootOf, send, type ServerAddress } from './openai.ts';
import { createChildSwitch, type ChildOptions } from './switch/child.ts';
import type { Switch } from './switch/switch.ts';

/** A server that runs, or the child that is one, pinned to a folder. */
export function createTransformersServer(
  address: ServerAddress,
  child: Pick<ChildOptions, 'command' | 'variables' | 'log'> | undefined,
): ModelServer {
  const client = createClient(address);
  const folders = new Map<string, string>();
  const listed = async (signal: AbortSignal): Promise<readonly ServedModel[]> => {
    await request(() => client.get(`${rootOf(address)}/health`, { signal }), signal);
    return [...folders.keys()].map((name) => ({ name, since: null }));
  };
  const pinned: Switch | undefined =
    child === undefined ? undefined : createChildSwitch({ ...child, url: address.url, listed });
  return {
    url: address.url,
    tolerance: dialects.openai.tolerance,
    ceiling: UNTOLD_CEILING,
    holdsOne: pinned !== undefined,
    served: pinned?.served ?? listed,
    load: async (name, folder, signal) => {
      if (pinned !== undefined) folders.clear();
      folders.set(name, folder);
      await pinned?.to(name, folder, signal);
    },
    complete: async (completion, signal) => {
      const folder = folders.get(completion.model);
      if (folder === undefined)
        throw new TransientError(`${completion.model} is not loaded: it is prepared again`);
      const sent = await send(() => post(client, folder, completion, signal), signal);
      return 'refused' in sent ? sent.refused : decodeCompletion(sent.answer, `${folder}@main`);
    },
    queue: () => Promise.resolve(null),
    close: () => pinned?.close() ?? Promise.resolve(),
  };
}

function post(client: OpenAI, model: string, completion: Completion, signal: AbortSignal) {
  const { prompt, temperature, topK, seed, maxTokens, stop } = completion;
  const config = {
    do_sample: !isGreedy(completion),
    top_k: topK,
    min_p: 0,
    typical_p: 1,
    repetition_penalty: 1,
    ...(stop === undefined ? {} : { eos_token_id: stop.tokens }),
  };
  const body = {
    model,
    prompt,
    temperature,
    top_p: 1,
    seed,
    max_tokens: maxTokens,
    generation_config: JSON.stringify(config),
  };
  return client.post<unknown>('/completions', { body, signal });
}
