import { randomInt, randomUUID } from 'node:crypto';
import type { Sample, SampleRequest } from '../model/sample.ts';
import type { Tokenizer } from '../model/tokenizer.ts';
import { ApiError } from './api-error.ts';
import type { LoadedModel } from './registry.ts';
import { SEEDS, type CompletionRequest } from './request.ts';

const DEFAULT_MAX_TOKENS = 16; // as in the OpenAI API

/** Answers `POST /v1/completions`: choices prompt by prompt, choice i of a prompt sampled with seed + i. */
export async function complete(
  model: LoadedModel,
  asked: CompletionRequest,
  signal: AbortSignal,
): Promise<unknown> {
  const { tokenizer } = model.generator;
  const prompts = encodePrompts(model, asked);
  const samples = await model.batcher.sample(toSamples(prompts, asked), signal);
  const stops = [asked.stop ?? []].flat();
  const withLogprobs = typeof asked.logprobs === 'number';
  const choices = samples.map((sample, index) => toChoice(tokenizer, sample, stops, index));
  const prompt_tokens = prompts.reduce((sum, prompt) => sum + prompt.length, 0);
  const completion_tokens = choices.reduce((sum, { tokens }) => sum + tokens.length, 0);
  return {
    id: `cmpl-${randomUUID()}`,
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model: model.id,
    choices: choices.map(({ tokens, logprobs, ...choice }) => ({
      ...choice,
      logprobs: withLogprobs ? toLogprobs(tokenizer, tokens, logprobs) : null,
    })),
    usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens },
  };
}

/** Tokens of each prompt; throws a 400 where one leaves no room for `max_tokens`. */
function encodePrompts({ generator }: LoadedModel, asked: CompletionRequest): number[][] {
  const room = generator.config.max_position_embeddings;
  const maxTokens = asked.max_tokens ?? DEFAULT_MAX_TOKENS;
  return [asked.prompt].flat().map((text) => {
    const prompt = generator.tokenizer.encode(text);
    if (prompt.length + maxTokens <= room) return prompt;
    const message = `prompt of ${prompt.length} tokens and max_tokens ${maxTokens} exceed the ${room} positions of the model`;
    throw new ApiError(400, message, { param: 'prompt', code: 'context_length_exceeded' });
  });
}

function toSamples(prompts: readonly number[][], asked: CompletionRequest): SampleRequest[] {
  const seed = asked.seed ?? randomInt(SEEDS);
  const copies = Array.from({ length: asked.n ?? 1 }, (_, i) => (seed + i) % SEEDS);
  return prompts.flatMap((prompt) =>
    copies.map((seed) => ({
      prompt,
      temperature: asked.temperature ?? 1,
      topK: Math.max(0, asked.top_k ?? 0),
      seed,
      maxTokens: asked.max_tokens ?? DEFAULT_MAX_TOKENS,
      logprobs: typeof asked.logprobs === 'number',
    })),
  );
}

/** The sample's text up to the first stop string, and the tokens that begin before it. */
function toChoice(
  tokenizer: Tokenizer,
  { tokens, logprobs, finish }: Sample,
  stops: readonly string[],
  index: number,
) {
  const text = tokenizer.decode(tokens);
  const found = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
  if (found.length === 0) return { index, text, finish_reason: finish, tokens, logprobs };
  const at = Math.min(...found);
  const beyond = tokenizer.offsets(tokens).findIndex((offset) => offset >= at);
  const kept = beyond === -1 ? tokens.length : beyond;
  return {
    index,
    text: text.slice(0, at),
    finish_reason: 'stop',
    tokens: tokens.slice(0, kept),
    logprobs: logprobs.slice(0, kept),
  };
}

function toLogprobs(tokenizer: Tokenizer, tokens: readonly number[], logprobs: readonly number[]) {
  return {
    tokens: tokens.map((token) => tokenizer.decode([token])),
    token_logprobs: logprobs,
    top_logprobs: null,
    text_offset: tokenizer.offsets(tokens),
  };
}
