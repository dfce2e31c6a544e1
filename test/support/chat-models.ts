import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChatTemplate } from '../../shared/contract/chat-template.ts';

const folder = fileURLToPath(new URL('../../../test/support/chat-models', import.meta.url));

/** Of a kind of model, how its tokenizer treats a text and what ends a generation; `special` are further tokens of their own. */
interface ChatModel {
  readonly bos: string | null;
  readonly eos: string;
  /** Whether the tokenizer puts `bos` before each text. */
  readonly adds: boolean;
  readonly special: readonly string[];
  readonly ends: readonly string[];
  /** Ends the assistant's turn. */
  readonly end: string;
}

/** A chat template that is easily read. */
export const plainChat: ChatTemplate = {
  source:
    "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{{ '<end>\\n' if m.role == 'assistant' }}{% endfor %}" +
    '{% if add_generation_prompt %}<assistant>{% endif %}',
  tokens: { bos_token: '<s>' },
  before: '<s>',
  end: '<end>',
  ends: [5],
};

/** Templates in the form of those that well-known models have, by name. */
export const chatModels = JSON.parse(readFileSync(join(folder, 'models.json'), 'utf8')) as Readonly<
  Record<string, ChatModel>
>;

export function templateOf(name: string): string {
  return readFileSync(join(folder, `${name}.jinja`), 'utf8');
}

/** The files of a checkpoint folder that say how it chats; its tokenizer has no words. */
export function writeChatModel(target: string, name: string, changes: Partial<ChatModel> = {}) {
  const model = chatModels[name];
  if (model === undefined) throw new Error(`no chat model ${name}`);
  const { bos, eos, adds, special, ends } = { ...model, ...changes };
  const contents = [...(bos === null ? [] : [bos]), eos, ...special];
  const ids = new Map(contents.map((content, id) => [content, id]));
  const write = (file: string, value: object): void => {
    writeFileSync(join(target, file), JSON.stringify(value));
  };
  const text = { Sequence: { id: 'A', type_id: 0 } };
  const before = adds && bos !== null ? [{ SpecialToken: { id: bos, type_id: 0 } }] : [];
  write('tokenizer.json', {
    added_tokens: Array.from(ids, ([content, id]) => ({ id, content, special: true })),
    post_processor: {
      type: 'Sequence',
      processors: [
        { type: 'ByteLevel' },
        { type: 'TemplateProcessing', single: [...before, text], pair: [] },
      ],
    },
  });
  write('tokenizer_config.json', {
    bos_token: bos,
    eos_token: { content: eos, special: true },
    chat_template: templateOf(name),
  });
  write('generation_config.json', { eos_token_id: ends.map((end) => ids.get(end)) });
}
