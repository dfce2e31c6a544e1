import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { APIError, type OpenAI } from 'openai';
import { z } from 'zod';
import { ADAPTER_FOLDER } from '../../../../shared/contract/checkpoint.ts';
import { messageOf, PermanentError, TransientError } from '../../../../shared/contract/failure.ts';
import { request } from '../openai.ts';
import type { Switch } from './switch.ts';

/** PEFT's, as far as a server must fit it. */
const AdapterConfig = z.object({ r: z.int(), base_model_name_or_path: z.string() });

/**
 * vLLM with `--enable-lora` and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, which goes on serving the model that the run's trainings began with: the
 * adapter of each checkpoint is loaded under a name of its own, beside the others, so that nothing cached under a name can be of other weights.
 */
export function createLoraSwitch(client: OpenAI, note: (line: string) => void): Switch {
  return {
    holdsOne: false,
    to: async (name, folder, signal) => {
      const path = join(folder, ADAPTER_FOLDER);
      const adapter = await readConfig(path);
      if (adapter === undefined)
        throw new PermanentError(
          `${name} has no adapter, for it was not trained with LoRA: start vLLM with ${folder} as --served-model-name ${name}, and adapters that are trained on it can be loaded; or give the profile another switch`,
        );
      const { r: rank, base_model_name_or_path: base } = adapter;
      const body = { lora_name: name, lora_path: path };
      try {
        await request(() => client.post('/load_lora_adapter', { body, signal }), signal);
      } catch (error) {
        throw isRefusal(error)
          ? new PermanentError(
              `the server does not load the adapter in ${path}: ${error.message}. It must see that folder, and be vLLM with the model ${base}, --enable-lora, --max-lora-rank ${rank} or more, and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True`,
              { cause: error },
            )
          : error;
      }
      note(`loaded ${name}, an adapter of rank ${rank} that belongs to ${base}`);
    },
    close: () => Promise.resolve(),
  };
}

async function readConfig(folder: string): Promise<z.infer<typeof AdapterConfig> | undefined> {
  const file = join(folder, 'adapter_config.json');
  try {
    return AdapterConfig.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new PermanentError(`${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** vLLM says 500 of an adapter that it cannot take, and 404 where it was started without that route. */
function isRefusal(error: unknown): error is TransientError {
  if (!(error instanceof TransientError) || !(error.cause instanceof APIError)) return false;
  return error.cause.status === 404 || error.cause.status === 500;
}
