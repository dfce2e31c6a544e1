/**
 * Where the engines differ. Every request says every sampling field: a server fills what is missing from the model's generation_config.json,
 * or with a default of its own (llama.cpp: top-k 40, top-p 0.95, min-p 0.05).
 */
import type { Completion } from './driver.ts';

export interface Dialect {
  /** The sampling fields beside temperature, seed and length, all of them. */
  fields: (completion: Completion) => Readonly<Record<string, unknown>>;
  /** Most samples of one prompt and setting in one request. */
  samples: number;
  /** As in `ModelServer`. */
  tolerance: number;
  /** Names in /metrics, null where there are none: requests under way and waiting, share of the cache in use. */
  gauges: { running: string; waiting: string; cache?: string } | null;
}

/** Requests at once to a server that does not say what it has to do: more than most work on at a time, and few enough for a slow one. */
export const UNTOLD_CEILING = 128;

/** A token that ends an answer is not part of its text, so that as a text it is found only where a server shows it. */
function textStop({ stop }: Completion) {
  return stop === undefined ? {} : { stop: [stop.text] };
}

function tokenStop({ stop }: Completion) {
  return stop === undefined ? {} : { stop_token_ids: stop.tokens };
}

/** What every engine calls the same. */
const neutral = { top_p: 1, presence_penalty: 0, frequency_penalty: 0 };

/** Weights of 16 bits, multiplied in another order than in training. */
const HALF_PRECISION = 0.25;

export const dialects = {
  /** The fields of OpenAI itself, which knows no top-k: it is sent where the grid asks for it. */
  openai: {
    fields: (completion) => ({
      ...neutral,
      ...(completion.topK > 0 ? { top_k: completion.topK } : {}),
      ...textStop(completion),
    }),
    samples: 1,
    tolerance: HALF_PRECISION,
    gauges: null,
  },
  /** 0 is off for top-k. The salt keeps what was read with other weights out of the prefix cache. */
  vllm: {
    fields: (completion) => ({
      ...neutral,
      top_k: completion.topK,
      min_p: 0,
      repetition_penalty: 1,
      cache_salt: completion.model,
      ...tokenStop(completion),
    }),
    samples: 64,
    tolerance: HALF_PRECISION,
    gauges: {
      running: 'vllm:num_requests_running',
      waiting: 'vllm:num_requests_waiting',
      cache: 'vllm:kv_cache_usage_perc',
    },
  },
  /** -1 is off for top-k, 0 is refused. Its documentation advises against several samples a request. */
  sglang: {
    fields: (completion) => ({
      ...neutral,
      top_k: completion.topK === 0 ? -1 : completion.topK,
      min_p: 0,
      repetition_penalty: 1,
      cache_salt: completion.model,
      ...tokenStop(completion),
    }),
    samples: 1,
    tolerance: HALF_PRECISION,
    gauges: {
      running: 'sglang:num_running_reqs',
      waiting: 'sglang:num_queue_reqs',
      cache: 'sglang:token_usage',
    },
  },
  /** 0 is off for top-k. More samples a request than the server has slots are refused, so each is a request. */
  llamacpp: {
    fields: (completion) => ({
      ...neutral,
      top_k: completion.topK,
      min_p: 0,
      typical_p: 1,
      top_n_sigma: -1,
      xtc_probability: 0,
      dynatemp_range: 0,
      mirostat: 0,
      repeat_penalty: 1,
      dry_multiplier: 0,
      samplers: ['top_k', 'temperature'],
      ...textStop(completion),
    }),
    samples: 1,
    tolerance: HALF_PRECISION,
    gauges: { running: 'llamacpp:requests_processing', waiting: 'llamacpp:requests_deferred' },
  },
} as const satisfies Record<string, Dialect>;

/** From here on down vLLM and SGLang decode greedily, and vLLM refuses several samples. */
const GREEDY_BELOW = 1e-5;

export function isGreedy({ temperature }: Completion): boolean {
  return temperature < GREEDY_BELOW;
}
