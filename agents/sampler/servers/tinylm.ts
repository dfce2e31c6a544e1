import type { ModelServer } from './driver.ts';
import { complete, createClient, listModels, request, type ServerAddress } from './openai.ts';

/** `tinylm serve`: the OpenAI API, and `POST /v1/models` to load a checkpoint under a name of its own. It must see the checkpoint folder. */
export function createTinylmServer(address: ServerAddress): ModelServer {
  const client = createClient(address);
  return {
    served: (signal) => listModels(client, signal),
    load: async (id, path, signal) => {
      await request(() => client.post('/models', { body: { id, path }, signal }), signal);
    },
    complete: (completion, signal) => complete(client, completion, signal),
  };
}
