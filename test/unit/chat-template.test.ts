import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { refuseOtherChat } from '../../agents/trainer/checkpoint/chat.ts';
import { readRunFile } from '../../coordinator/cli/run-file.ts';
import { readChatTemplate } from '../../shared/chat/read.ts';
import { renderMessages, renderTurns } from '../../shared/chat/render.ts';
import type { ChatTemplate } from '../../shared/contract/chat-template.ts';
import { Profiles } from '../../shared/contract/peer.ts';
import { chatModels, templateOf, writeChatModel } from '../support/chat-models.ts';
import { makeRunFile } from '../support/run.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reset-chat-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function read(name: string): ChatTemplate {
  writeChatModel(folder, name);
  const chat = readChatTemplate(folder);
  if (chat === undefined) throw new Error(`${name} has no chat template`);
  return chat;
}

/** A folder whose template is `source`, for tokenizers that put <s> before a text and end at </s>. */
function write(source: unknown): void {
  writeChatModel(folder, 'inst');
  writeFileSync(
    join(folder, 'tokenizer_config.json'),
    JSON.stringify({ bos_token: '<s>', eos_token: '</s>', chat_template: source }),
  );
}

const question = [{ role: 'user', content: ' Where?\n' }] as const;
const turns = [
  { prompt: 'red?', completion: 'no' },
  { prompt: 'blue?', completion: 'yes' },
];

describe('a prompt by the template of a model like', () => {
  const llama =
    '<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n<|eot_id|>';
  test.each([
    [
      'llama-3',
      `${llama}<|start_header_id|>user<|end_header_id|>\n\nWhere?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n`,
    ],
    [
      'chatml',
      '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n Where?\n<|im_end|>\n<|im_start|>assistant\n',
    ],
    ['gemma', '<start_of_turn>user\nWhere?<end_of_turn>\n<start_of_turn>model\n'],
    [
      'vicuna',
      'A chat between a curious user and an artificial intelligence assistant. USER: Where? ASSISTANT:',
    ],
    ['inst', '[INST]  Where?\n [/INST]'],
    ['zephyr', '<|user|>\n Where?\n</s>\n<|assistant|>\n'],
    ['phi', '<|user|>\n Where?\n<|end|>\n<|assistant|>\n'],
  ])('%s is what transformers writes, but for what the tokenizer puts before it', (name, text) => {
    const chat = read(name);
    expect(renderMessages(chat, question)).toBe(text);
    const { bos, adds, end } = chatModels[name] ?? {};
    expect([chat.before, chat.end]).toEqual([adds === true ? bos : '', end]);
    expect(chat.ends).toHaveLength(chatModels[name]?.ends.length ?? 0);
  });
});

test('what the tokenizer does not add by itself is part of the prompt', () => {
  writeChatModel(folder, 'gemma', { adds: false });
  const chat = readChatTemplate(folder) as ChatTemplate;
  expect(renderMessages(chat, question)).toMatch(/^<bos><start_of_turn>/);
});

test('the config of a tokenizer goes before its post-processor', () => {
  write(templateOf('inst'));
  const config = { bos_token: '<s>', eos_token: '</s>', chat_template: templateOf('inst') };
  const configured = (changes: object) => {
    const path = join(folder, 'tokenizer_config.json');
    writeFileSync(path, JSON.stringify({ ...config, ...changes }));
    return readChatTemplate(folder)?.before;
  };
  expect([configured({}), configured({ add_bos_token: false })]).toEqual(['<s>', '']);
  expect(() => configured({ add_eos_token: true })).toThrow(
    'tokenizer.json puts </s> behind every text, so no answer could follow a prompt; set add_eos_token to false in tokenizer_config.json',
  );
});

test('turns follow each other, each answer up to the token that ends it', () => {
  expect(renderTurns(read('gemma'), turns)).toEqual([
    {
      prompt: '<start_of_turn>user\nred?<end_of_turn>\n<start_of_turn>model\n',
      completion: 'no<end_of_turn>',
    },
    {
      prompt: '\n<start_of_turn>user\nblue?<end_of_turn>\n<start_of_turn>model\n',
      completion: 'yes<end_of_turn>',
    },
  ]);
  expect(renderTurns(read('phi'), turns)[1]).toEqual({
    prompt: '\n<|user|>\nblue?<|end|>\n<|assistant|>\n',
    completion: 'yes<|end|>',
  });
});

test('a file of its own, or the one called default, is the template', () => {
  const named = [
    { name: 'tool_use', template: 'no' },
    { name: 'default', template: templateOf('inst') },
  ];
  write(named);
  expect(readChatTemplate(folder)?.source).toBe(templateOf('inst'));
  writeFileSync(join(folder, 'chat_template.jinja'), templateOf('vicuna'));
  expect(readChatTemplate(folder)?.source).toBe(templateOf('vicuna'));
});

test('no template can tell the time', () => {
  const chat = read('llama-3');
  vi.useFakeTimers({ now: new Date('2031-05-06') });
  expect(renderMessages(chat, question)).toContain('26 Jul 2024');
  vi.useRealTimers();
  write(`{{ strftime_now('%d') }}${templateOf('inst')}`);
  expect(() => readChatTemplate(folder)).toThrow(/tokenizer_config\.json: .*not a function/);
});

describe('is refused with its place and what to do:', () => {
  test.each([
    [
      'one that is no Jinja',
      '{% for message in messages %}',
      'tokenizer_config.json: the chat template cannot write 1 messages of a user and an assistant: ',
    ],
    [
      'one that takes no assistant',
      "{% for m in messages %}{% if m.role != 'user' %}{{ raise_exception('users only') }}{% endif %}{{ m.content }}{% endfor %}",
      'users only; mend it in chat_template.jinja or tokenizer_config.json, or use template alpaca or vicuna',
    ],
    [
      'one whose answer does not follow its prompt',
      "{% for m in messages %}{{ m.content + '</s>' }}{% endfor %}{% if add_generation_prompt %}<think>{% endif %}",
      'the chat template does not write an answer behind its prompt: after "Is it?</s><think>" comes "Is it?</s>It is.</s>"',
    ],
    [
      'one that leaves out what was asked',
      "{% for m in messages %}{{ 'same' }}{% endfor %}",
      'does not write an answer behind its prompt',
    ],
    [
      'one that ends a turn with no token that ends a generation',
      '{% for m in messages %}{{ m.content }}\n{% endfor %}',
      'the chat template ends the assistant\'s turn with "\\n", which holds no token that ends a generation (</s>); set eos_token_id in generation_config.json to the one that it writes',
    ],
  ])('%s', (_, source, problem) => {
    write(source);
    expect(() => readChatTemplate(folder)).toThrow(join(folder, 'tokenizer_config.json'));
    expect(() => readChatTemplate(folder)).toThrow(problem);
  });

  test('one that writes other earlier turns, where a row has several', () => {
    const source =
      "{% for m in messages %}{{ m.content if loop.last or m.role == 'user' else '…' }}{{ eos_token }}{% endfor %}";
    write(source);
    const chat = readChatTemplate(folder) as ChatTemplate;
    expect(renderTurns(chat, turns.slice(0, 1))).toHaveLength(1);
    expect(() => renderTurns(chat, turns)).toThrow('writes other earlier turns');
  });

  test('one whose tokenizer is not there, or damaged', () => {
    write(templateOf('inst'));
    rmSync(join(folder, 'tokenizer.json'));
    expect(() => readChatTemplate(folder)).toThrow('save the tokenizer once more');
    writeFileSync(join(folder, 'tokenizer.json'), '{');
    expect(() => readChatTemplate(folder)).toThrow(/cannot read .*tokenizer\.json: /);
  });
});

describe('a run file', () => {
  const path = () => join(folder, 'reset.yaml');
  const given = (model: object, changes: object = {}) => {
    writeFileSync(path(), JSON.stringify({ ...makeRunFile(), model, ...changes }));
    return readRunFile(path(), Profiles.parse({})).model;
  };

  test('holds the chat template of its model, asked for or not', () => {
    const chat = read('llama-3');
    expect(given({ base: '.' })).toEqual({ base: folder, template: 'chat', chat });
    expect(given({ base: folder, template: 'chat' })).toMatchObject({ chat });
    expect(given({ base: '.', template: 'vicuna' })).toEqual({ base: folder, template: 'vicuna' });
  });

  test('may name the tokenizer of a model that is on other machines', () => {
    const chat = read('chatml');
    expect(given({ base: '/gpu/llama', template: 'chat', tokenizer: '.' })).toEqual({
      base: '/gpu/llama',
      template: 'chat',
      tokenizer: folder,
      chat,
    });
    for (const template of ['chat', undefined])
      expect(() => given({ base: '/gpu/llama', template })).toThrow(
        'model.template: /gpu/llama is not on this machine; copy its JSON and Jinja files here and name their folder as model.tokenizer; or write plain, alpaca or vicuna',
      );
  });

  test('must say which template where the model has none', () => {
    expect(() => given({ base: '.' })).toThrow('model.template: write plain, alpaca or vicuna');
    expect(() => given({ base: '.', template: 'chat' })).toThrow(
      `model.template: ${folder} has no chat template, neither chat_template.jinja nor one in tokenizer_config.json`,
    );
    expect(() => given({ base: 'scratch', template: 'chat' })).toThrow(
      'a model from scratch has no chat template',
    );
  });

  test('takes the template of the last given checkpoint, which is what it samples', () => {
    const chat = read('gemma');
    const checkpoint = join(folder, 'a'.repeat(64));
    expect(() =>
      given({ base: 'scratch', template: 'chat' }, { start: [{ name: 'mtl', checkpoint }] }),
    ).toThrow(`${checkpoint} is not on this machine`);
    const model = { base: '/gone', template: 'chat', tokenizer: folder };
    expect(given(model, { start: [{ name: 'mtl', checkpoint }] })).toMatchObject({ chat });
  });

  test('is refused with a broken template, which is named', () => {
    write('{% if %}');
    expect(() => given({ base: '.' })).toThrow(
      new RegExp(`the run file ${path()} is not usable: ${folder}/tokenizer_config.json: `),
    );
  });
});

test('a checkpoint that chats in another way than the run is refused', () => {
  const chat = read('inst');
  expect(() => refuseOtherChat(folder, chat)).not.toThrow();
  expect(() => refuseOtherChat(folder, undefined)).not.toThrow();
  expect(() => refuseOtherChat(folder, { ...chat, before: '', ends: [7] })).toThrow(
    `${folder} has another chat template (before, ends) than the run was started with: put its tokenizer files back, or start a run of another name`,
  );
  rmSync(join(folder, 'tokenizer_config.json'));
  expect(() => refuseOtherChat(folder, chat)).toThrow('has no chat template than');
});
