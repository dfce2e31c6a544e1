import { z } from 'zod';
import { ApiError } from './api-error.ts';

/** Seeds have 31 bits. */
export const SEEDS = 2 ** 31;
const MAX_N = 64;

/** A field of the OpenAI API that this server does not know: only the value that asks for nothing passes. */
const only = <T extends number | string | boolean>(neutral: T) =>
  z.literal(neutral, { error: `is not supported, leave it out or send ${neutral}` }).nullish();

export const CompletionRequest = z.strictObject({
  model: z.string(),
  prompt: z.union([z.string(), z.array(z.string()).min(1, 'must hold at least one string')], {
    error: 'must be a string or a list of strings',
  }),
  n: z.int().min(1).max(MAX_N).nullish(),
  max_tokens: z.int().min(1).nullish(),
  temperature: z
    .number()
    .max(100)
    .refine((t) => t === 0 || t >= 0.001, 'must be 0 (greedy) or from 0.001 to 100')
    .nullish(),
  /** 0 and -1 switch it off. */
  top_k: z.int().min(-1).nullish(),
  seed: z
    .int()
    .min(0)
    .max(SEEDS - 1)
    .nullish(),
  stop: z.union([z.string().min(1), z.array(z.string().min(1)).max(16)]).nullish(),
  logprobs: z.int().min(0).max(1, 'only the chosen token has one: send 0 or 1').nullish(),
  user: z.string().nullish(),
  best_of: only(1),
  echo: only(false),
  frequency_penalty: only(0),
  logit_bias: z.strictObject({}).nullish(),
  min_p: only(0),
  presence_penalty: only(0),
  repetition_penalty: only(1),
  stream: only(false),
  stream_options: z.null('is not supported, leave it out').optional(),
  suffix: only(''),
  top_p: only(1),
});
export type CompletionRequest = z.infer<typeof CompletionRequest>;

/** Completion requests that are answered each by itself, as if they had come alone. */
export const BatchRequest = z.strictObject({
  completions: z.array(z.unknown()).min(1, 'must hold at least one request'),
});

export const LoadRequest = z.strictObject({
  id: z.string().regex(/^[\w.:@/-]{1,200}$/, 'must be 1 to 200 letters, digits or any of _.:@/-'),
  path: z.string().regex(/^(\/|[A-Za-z]:[\\/])/, 'must be an absolute path of a checkpoint folder'),
});

/** Reads a body by `schema`; throws a 400 that names the first bad field. */
export function readBody<T>(schema: z.ZodType<T>, body: Buffer): T {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    throw new ApiError(400, `the body is not JSON in UTF-8: ${(error as Error).message}`);
  }
  return readValue(schema, value);
}

/** Reads what was JSON; throws a 400 that names the first bad field. */
export function readValue<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue === undefined) throw new ApiError(400, 'the body does not fit');
  const unknown = issue.code === 'unrecognized_keys';
  const param = [...issue.path, ...(unknown ? issue.keys : [])].join('.');
  const reason = unknown ? 'not supported by this server' : issue.message;
  throw new ApiError(400, `${param === '' ? 'the body' : param}: ${reason}`, { param });
}
