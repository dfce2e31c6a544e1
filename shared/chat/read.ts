/** The chat template of a checkpoint folder in the layout of Hugging Face, with what its tokenizer does around it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { ChatTemplate } from '../contract/chat-template.ts';
import { messageOf, PermanentError } from '../contract/failure.ts';
import { problemsOf } from '../contract/problems.ts';
import { render } from './render.ts';

const SpecialToken = z.union([
  z.string(),
  z.object({ content: z.string() }).transform(({ content }) => content),
]);

const NamedTemplates = z.array(z.object({ name: z.string(), template: z.string() }));

const TokenizerConfig = z.looseObject({
  chat_template: z
    .union([
      z.string(),
      NamedTemplates.transform((all) => all.find(({ name }) => name === 'default')?.template),
    ])
    .nullish(),
  add_bos_token: z.boolean().nullish(),
  add_eos_token: z.boolean().nullish(),
});

/** Of a post-processor, what it puts around a text. */
const Piece = z.object({ SpecialToken: z.object({ id: z.string() }).optional() });
const Wrapping = z.object({ type: z.string(), single: z.array(Piece).optional() });
const PostProcessor = Wrapping.extend({ processors: z.array(Wrapping).optional() });

const TokenizerFile = z.object({
  added_tokens: z.array(z.object({ id: z.int(), content: z.string() })).default([]),
  post_processor: PostProcessor.nullish(),
});

const Ends = z.object({
  eos_token_id: z.union([z.int().transform((id) => [id]), z.array(z.int())]).nullish(),
});

/** What a template can name, as transformers passes it on. */
const NAMED_TOKENS = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'].map(
  (name) => `${name}_token`,
);

const [QUESTION, ANSWER] = ['Is it?', 'It is.'];

/**
 * The chat template of the model in `folder`; undefined where it has none. PermanentError names the file and the fix where it cannot be used:
 * unreadable, refused by the template's language, an answer that does not follow its prompt, or a turn that ends with no token that ends a
 * generation.
 */
export function readChatTemplate(folder: string): ChatTemplate | undefined {
  const config = readJson(join(folder, 'tokenizer_config.json'), TokenizerConfig);
  const [place, source] = sourceOf(folder, config);
  if (source === undefined) return undefined;
  const path = join(folder, 'tokenizer.json');
  const tokenizer = readJson(path, TokenizerFile);
  if (tokenizer === undefined)
    throw new PermanentError(
      `${place} is a chat template, but ${path} is not there; save the tokenizer once more with transformers, or use template alpaca or vicuna`,
    );
  const tokens = namedTokens(folder, config);
  const { before, behind } = wrapped(tokenizer, tokens, config);
  if (behind !== '')
    throw new PermanentError(
      `${path} puts ${behind} behind every text, so no answer could follow a prompt; set add_eos_token to false in tokenizer_config.json`,
    );
  const ends = endsOf(folder, tokenizer, tokens['eos_token']);
  const end = endOf({ source, tokens }, place, [...ends.values()]);
  return { source, tokens, before, end, ends: [...ends.keys()].sort((a, b) => a - b) };
}

/** A file of its own takes the place of what the tokenizer's config says. */
function sourceOf(folder: string, config: z.infer<typeof TokenizerConfig> | undefined) {
  const file = join(folder, 'chat_template.jinja');
  if (existsSync(file)) return [file, readFileSync(file, 'utf8')] as const;
  return [join(folder, 'tokenizer_config.json'), config?.chat_template ?? undefined] as const;
}

function namedTokens(folder: string, config: object | undefined): Record<string, string> {
  const earlier = readJson(join(folder, 'special_tokens_map.json'), z.looseObject({})) ?? {};
  const said: Record<string, unknown> = { ...earlier, ...config };
  return Object.fromEntries(
    NAMED_TOKENS.flatMap((name) => {
      const token = SpecialToken.safeParse(said[name]).data;
      return token === undefined ? [] : [[name, token]];
    }),
  );
}

/** What the tokenizer puts around every text. What its config says of that goes before its post-processor. */
function wrapped(
  { post_processor: last }: z.infer<typeof TokenizerFile>,
  { bos_token: bos = '', eos_token: eos = '' }: Readonly<Record<string, string>>,
  config: z.infer<typeof TokenizerConfig> | undefined,
): { before: string; behind: string } {
  const steps = last === undefined || last === null ? [] : [last, ...(last.processors ?? [])];
  const pieces = steps.find(({ single }) => single !== undefined)?.single ?? [];
  const text = pieces.findIndex(({ SpecialToken: special }) => special === undefined);
  const written = (some: typeof pieces): string =>
    some.map(({ SpecialToken: special }) => special?.id ?? '').join('');
  const { add_bos_token: addBos, add_eos_token: addEos } = config ?? {};
  return {
    before: typeof addBos === 'boolean' ? (addBos ? bos : '') : written(pieces.slice(0, text)),
    behind: typeof addEos === 'boolean' ? (addEos ? eos : '') : written(pieces.slice(text)),
  };
}

/** The tokens that end a generation, by id: the tokenizer's and those of the generation config, or of the model's. */
function endsOf(
  folder: string,
  { added_tokens: added }: z.infer<typeof TokenizerFile>,
  eos: string | undefined,
): Map<number, string> {
  const config =
    readJson(join(folder, 'generation_config.json'), Ends) ??
    readJson(join(folder, 'config.json'), Ends);
  const ids = config?.eos_token_id ?? [];
  return new Map(
    added
      .filter(({ id, content }) => ids.includes(id) || content === eos)
      .map(({ id, content }) => [id, content]),
  );
}

function endOf(
  template: Pick<ChatTemplate, 'source' | 'tokens'>,
  place: string,
  ends: readonly string[],
): string {
  const messages = [{ role: 'user', content: QUESTION }] as const;
  const answer = { role: 'assistant', content: ANSWER } as const;
  const asked = rendered(template, place, messages, true);
  const answered = rendered(template, place, [...messages, answer], false);
  const rest = answered.slice(asked.length);
  if (!asked.includes(QUESTION) || !answered.startsWith(asked) || !rest.includes(ANSWER))
    throw new PermanentError(
      `${place}: the chat template does not write an answer behind its prompt: after ${JSON.stringify(asked)} comes ${JSON.stringify(answered)}; ` +
        'mend it, or use template alpaca or vicuna',
    );
  const behind = rest.slice(rest.indexOf(ANSWER) + ANSWER.length);
  const found = ends.filter((end) => behind.includes(end));
  const [first] = found.sort((a, b) => behind.indexOf(a) - behind.indexOf(b));
  if (first !== undefined) return first;
  throw new PermanentError(
    `${place}: the chat template ends the assistant's turn with ${JSON.stringify(behind)}, which holds no token that ends a generation ` +
      `(${ends.join(', ')}); set eos_token_id in generation_config.json to the one that it writes`,
  );
}

function rendered(
  template: Pick<ChatTemplate, 'source' | 'tokens'>,
  place: string,
  messages: Parameters<typeof render>[1],
  generate: boolean,
): string {
  try {
    return render(template, messages, generate);
  } catch (error) {
    throw new PermanentError(`${place}: ${messageOf(error)}`, { cause: error });
  }
}

/** Undefined where the file is not there. */
function readJson<TSchema extends z.ZodType>(
  path: string,
  schema: TSchema,
): z.output<TSchema> | undefined {
  if (!existsSync(path)) return undefined;
  try {
    const parsed = schema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    if (parsed.success) return parsed.data;
    throw new PermanentError(problemsOf(parsed.error));
  } catch (error) {
    throw new PermanentError(`cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}
