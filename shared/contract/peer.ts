import { z } from 'zod';
import { Digest, Id } from './ids.ts';
import { TrainerProfile } from './trainer-profile.ts';

export const Role = z.enum(['coordinator', 'sampler', 'judge', 'curator', 'trainer']);
export type Role = z.infer<typeof Role>;

/** Presence of a peer in `reset-peers`; renewed, and gone with the bucket's TTL. */
export const Presence = z.strictObject({
  peer: Id,
  role: Role,
  /** host:port of its gRPC services, null where it has none. */
  grpc: z.string().nullable(),
  /** URL of /metrics, /healthz and /readyz. */
  http: z.string(),
  /** What it can do: server profiles of a sampler, what a judge carries (`capabilityOf`), back-ends of a trainer, the ledger id of a curator. */
  offers: z.array(z.string()),
  /** Names of the only judges that it works for; a judge without the key works for all that it can. */
  judges: z.array(Id).optional(),
});
export type Presence = z.infer<typeof Presence>;

/** Which ledger a run belongs to, in `reset-runs`, written by `create`: another ledger is refused by name. */
export const RunBinding = z.strictObject({
  run: Id,
  ledger: Digest,
  curator: Id,
  grpc: z.string(),
});
export type RunBinding = z.infer<typeof RunBinding>;

/** US dollars for a million tokens of a model. `cached` is for prompt tokens that the provider had read before; as `prompt` without it. */
export const Price = z.strictObject({
  prompt: z.number().min(0),
  completion: z.number().min(0),
  cached: z.number().min(0).optional(),
});
export type Price = z.infer<typeof Price>;

/** Requests that are answered by files, hours later: through the provider's Batch API, or by hand in a folder. */
const Batching = z.strictObject({
  /** Where batch files are put for somebody to work, by `vllm run-batch` for example; a folder of its own for each peer. */
  folder: z.string().min(1).optional(),
  /** A file is closed when no request has come for so long. */
  quietMs: z.int().positive().default(60_000),
  /** How often is looked for results. */
  pollMs: z.int().positive().default(60_000),
});

/** An OpenAI-compatible API that judges ask. */
const ProviderKeys = z.strictObject({
  /** Base URL, `/v1` included. Batches that are worked in a folder need none. */
  url: z.url().optional(),
  batch: Batching.optional(),
  /** Name of the environment variable that holds the key; without one no key is sent. */
  keyVariable: z.string().optional(),
  /** Most requests in flight of this peer. */
  concurrency: z.int().positive().default(8),
  /** Total time in ms for one answer, its last byte included. */
  deadlineMs: z.int().positive().default(120_000),
  /** By model. A model without one is refused, unless `free`. */
  prices: z.record(z.string(), Price).default({}),
  /** Nothing that it answers costs money, as with a server of one's own. */
  free: z.boolean().default(false),
});

export const ProviderProfile = ProviderKeys.transform(({ url, ...profile }, context) => {
  const { batch } = profile;
  if (url !== undefined) return { url, ...profile };
  if (batch?.folder !== undefined) return { url: 'file:///', ...profile };
  context.addIssue({ code: 'custom', message: 'needs a url, or a batch with a folder' });
  return z.NEVER;
});
export type ProviderProfile = z.infer<typeof ProviderProfile>;

/** A model for natural language inference: a service that speaks text-embeddings-inference's `/predict`, or a folder with `model.onnx`, `config.json` and `tokenizer.json`. */
export const NliProfile = z.union([
  z.strictObject({ url: z.url() }),
  z.strictObject({ folder: z.string().min(1) }),
]);
export type NliProfile = z.infer<typeof NliProfile>;

/** Total time in ms for one answer of a scorer. */
const scorerDeadline = { deadlineMs: z.int().positive().default(50_000) };

/** A user's own scorer: a service with one POST, or a program that answers JSON lines. */
export const ScorerProfile = z.union([
  z.strictObject({ url: z.url(), ...scorerDeadline }),
  z.strictObject({
    command: z.array(z.string().min(1)).min(1),
    /** Names of environment variables that it may see, beside PATH, HOME and the like. */
    variables: z.array(z.string().min(1)).default([]),
    ...scorerDeadline,
  }),
]);
export type ScorerProfile = z.infer<typeof ScorerProfile>;

const Command = z
  .array(z.string().min(1))
  .min(1)
  .superRefine((command, context) => {
    for (const [, name] of command.join(' ').matchAll(/\{(\w+)\}/g))
      if (name === undefined || !PLACEHOLDERS.includes(name))
        context.addIssue({
          code: 'custom',
          message: `{${name}} stands for nothing: there are ${PLACEHOLDERS.map((known) => `{${known}}`).join(', ')}`,
        });
  });
const PLACEHOLDERS = ['checkpoint', 'name', 'host', 'port'];

/** Names of environment variables that a program may see, beside PATH, HOME and the like. */
const variables = z.array(z.string().min(1)).default([]);

/**
 * How a model server gets the checkpoint of the next step: a `command` that restarts it, a `child` of the sampler that is started anew, a
 * LoRA adapter that vLLM loads under a new name, or weights that SGLang or vLLM reads from `disk` in place.
 */
const Switch = z.discriminatedUnion('by', [
  z.strictObject({ by: z.literal('command'), command: Command, variables }),
  z.strictObject({
    by: z.literal('child'),
    command: Command.refine(
      (command) => command.some((word) => word.includes('{checkpoint}')),
      'a server is started for a checkpoint: say {checkpoint} where its folder belongs',
    ),
    variables,
  }),
  z.strictObject({ by: z.literal('lora') }),
  z.strictObject({ by: z.literal('disk') }),
]);

/** The drivers that can be switched so. */
const SWITCHED_BY: Record<z.infer<typeof Switch>['by'], readonly string[]> = {
  command: ['openai', 'vllm', 'sglang', 'llamacpp'],
  child: ['openai', 'vllm', 'sglang', 'llamacpp', 'transformers'],
  lora: ['vllm'],
  disk: ['sglang', 'vllm'],
};

/** One model server, or several that serve the same. Without a `switch` somebody else makes them serve the next checkpoint. */
export const ServerProfile = z
  .strictObject({
    driver: z.enum(['tinylm', 'openai', 'vllm', 'sglang', 'llamacpp', 'transformers']),
    url: z.union([z.url(), z.array(z.url()).min(1)]).transform((url) => [...new Set([url].flat())]),
    keyVariable: z.string().optional(),
    switch: Switch.optional(),
  })
  .superRefine(({ driver, switch: by }, context) => {
    if (by === undefined || SWITCHED_BY[by.by].includes(driver)) return;
    const ways = Object.entries(SWITCHED_BY).filter(([, drivers]) => drivers.includes(driver));
    context.addIssue({
      code: 'custom',
      path: ['switch'],
      message:
        ways.length === 0
          ? `${driver} loads checkpoints by itself; leave the switch out`
          : `${driver} cannot be switched by ${by.by}, but by ${ways.map(([way]) => way).join(' or ')}`,
    });
  });
export type ServerProfile = z.infer<typeof ServerProfile>;

/** Local configuration of a peer: URLs, keys (by the name of an environment variable) and commands never come from the bus. */
export const Profiles = z.strictObject({
  servers: z.record(Id, ServerProfile).default({}),
  trainers: z.record(Id, TrainerProfile).default({}),
  providers: z.record(Id, ProviderProfile).default({}),
  nli: z.record(Id, NliProfile).default({}),
  scorers: z.record(Id, ScorerProfile).default({}),
});
export type Profiles = z.infer<typeof Profiles>;
