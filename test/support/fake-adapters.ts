import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { refusal, type Reply } from './fake-reply.ts';

/** What an adapter's config says, and what its weights are called. */
interface Adapter {
  r: number;
  base_model_name_or_path: string;
  weights: string;
}

/** The adapters that a fake vLLM has loaded, of at most this rank; without one it was started without their route. */
export function createAdapters(most: number | undefined) {
  const loaded = new Map<string, Adapter>();
  return {
    names: () => [...loaded.keys()],
    load: ({
      lora_name: name = '',
      lora_path: path = '',
    }: Record<string, string>): Reply | string | undefined => {
      if (most === undefined) return undefined;
      if (loaded.has(name)) return refusal(`The lora adapter '${name}' has already been loaded.`);
      const adapter = JSON.parse(
        readFileSync(join(path, 'adapter_config.json'), 'utf8'),
      ) as Adapter;
      if (adapter.r > most) {
        const message = `Call to add_lora method failed: LoRA rank ${adapter.r} is greater than max_lora_rank ${most}.`;
        return { status: 500, body: { error: { message, code: 500 } } };
      }
      loaded.set(name, adapter);
      return `Success: LoRA adapter '${name}' added successfully.`;
    },
    /** What answers under a name; an adapter on another model than its own makes what nobody has trained. */
    on: (weights: string, name: string): string => {
      const adapter = loaded.get(name);
      if (adapter === undefined) return weights;
      return adapter.base_model_name_or_path === weights
        ? adapter.weights
        : `${weights} and ${adapter.weights}`;
    },
  };
}
