import type { OpenAI } from 'openai';
import { z } from 'zod';
import { PermanentError, TransientError } from '../../../../shared/contract/failure.ts';
import { listModels, request, rootOf, type ServerAddress } from '../openai.ts';
import type { Switch } from './switch.ts';

const WeightInfo = z.object({ weight_version: z.string().nullish() });
/** The version while weights are read: whoever dies in the middle leaves none that could be taken for a checkpoint. */
const CHANGING = 'changing';

/**
 * vLLM's weights in place, read from disk by its workers: needs VLLM_SERVER_DEV_MODE=1, whose routes ask for no key. The name that it lists stays
 * that of its start, so what is served is read from the version of the weights, and requests say the listed name.
 */
export function createReloadSwitch(client: OpenAI, address: ServerAddress): Switch {
  const root = rootOf(address);
  let listed: string | undefined;
  const post = (path: string, body: object, signal: AbortSignal): Promise<unknown> =>
    request(() => client.post<unknown>(`${root}${path}`, { body, signal }), signal);
  const version = (name: string, signal: AbortSignal) =>
    post('/update_weight_version', { new_version: name }, signal);

  return {
    holdsOne: true,
    listedAs: () => listed,
    served: async (signal) => {
      listed = (await listModels(client, signal))[0]?.name;
      const answer = await request(
        () => client.get<unknown>(`${root}/weight_info`, { signal }),
        signal,
      ).catch((error: unknown) => {
        throw isNotFound(error)
          ? new PermanentError(
              `${root} cannot be given other weights: start vLLM with VLLM_SERVER_DEV_MODE=1, or choose another switch`,
              { cause: error },
            )
          : error;
      });
      const name = WeightInfo.parse(answer).weight_version;
      return name === null || name === undefined ? [] : [{ name, since: null }];
    },
    to: async (name, folder, signal) => {
      await version(CHANGING, signal);
      // What is under way ends with the old weights, and what was read with them is forgotten.
      await post('/pause?mode=wait&clear_cache=true', {}, signal);
      try {
        const kwargs = { weights_path: folder };
        await post('/collective_rpc', { method: 'reload_weights', kwargs }, signal);
        await version(name, signal);
      } finally {
        await post('/resume', {}, signal);
      }
    },
    close: () => Promise.resolve(),
  };
}

function isNotFound(error: unknown): boolean {
  const cause = error instanceof TransientError ? error.cause : undefined;
  return cause instanceof Error && 'status' in cause && cause.status === 404;
}
