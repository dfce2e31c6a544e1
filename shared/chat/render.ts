/**
 * Conversations as a model's own chat template writes them, in text. Whoever tokenizes that text with the tokenizer's special tokens, as servers
 * of completions do, has the tokens of the template: what the tokenizer puts before a text by itself is left to it.
 *
 * The time is nothing that a template can ask for: the same messages are the same text on every day.
 */
import { Template } from '@huggingface/jinja';
import type { ChatTemplate } from '../contract/chat-template.ts';
import { messageOf, PermanentError } from '../contract/failure.ts';
import type { TrainingRow } from '../contract/training.ts';

type Turn = TrainingRow['turns'][number];

export interface Message {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

/** Takes the clock of the implementation away. A template that asks whether there is one goes on without. */
const NO_CLOCK = '{% set strftime_now = nothing %}\n';

const compiled = new Map<string, Template>();

/** The prompt at which the assistant speaks next. PermanentError where the template refuses the messages. */
export function renderMessages(chat: ChatTemplate, messages: readonly Message[]): string {
  return withoutBefore(chat, render(chat, messages, true));
}

/** The prompt of messages, and how the template writes the answer to them, up to the token that ends the turn. */
export function renderAnswer(
  chat: ChatTemplate,
  messages: readonly Message[],
  answer: string,
): Turn {
  const asked = render(chat, messages, true);
  return {
    prompt: withoutBefore(chat, asked),
    completion: answerTo(chat, messages, asked, answer),
  };
}

/**
 * The turns of a conversation, messages before and texts after, which follow each other word for word: what the template writes behind the
 * token that ends a turn begins the next prompt. PermanentError where the template refuses the messages, writes other earlier turns once
 * another one follows, or does not end a turn.
 */
export function renderTurns(chat: ChatTemplate, turns: readonly Turn[]): Turn[] {
  const messages: Message[] = [];
  let text = '';
  return turns.map((turn) => {
    messages.push({ role: 'user', content: turn.prompt });
    const asked = render(chat, messages, true);
    if (!asked.startsWith(text)) throw rewritten();
    const prompt = text === '' ? withoutBefore(chat, asked) : asked.slice(text.length);
    const completion = answerTo(chat, messages, asked, turn.completion);
    messages.push({ role: 'assistant', content: turn.completion });
    text = asked + completion;
    return { prompt, completion };
  });
}

/** What the template writes of an answer behind the prompt that it has written of the messages. */
function answerTo(
  chat: ChatTemplate,
  messages: readonly Message[],
  asked: string,
  answer: string,
): string {
  const answered = render(chat, [...messages, { role: 'assistant', content: answer }], false);
  if (!answered.startsWith(asked)) throw rewritten();
  const end = answered.indexOf(chat.end, asked.length);
  if (end >= 0) return answered.slice(asked.length, end + chat.end.length);
  throw new PermanentError(
    `the chat template does not end the assistant's turn with ${chat.end}; use template alpaca or vicuna`,
  );
}

function rewritten(): PermanentError {
  return new PermanentError(
    'the chat template writes other earlier turns when another one follows, so training would see other tokens than sampling; ' +
      'use template alpaca or vicuna, or train on single turns',
  );
}

function withoutBefore({ before }: ChatTemplate, text: string): string {
  return text.startsWith(before) ? text.slice(before.length) : text;
}

/** As `apply_chat_template` of transformers does, without tools or documents. */
export function render(
  { source, tokens }: Pick<ChatTemplate, 'source' | 'tokens'>,
  messages: readonly Message[],
  generate: boolean,
): string {
  try {
    return templateOf(source).render({
      ...tokens,
      messages,
      tools: null,
      documents: null,
      add_generation_prompt: generate,
    });
  } catch (error) {
    throw new PermanentError(
      `the chat template cannot write ${messages.length} messages of a user and an assistant: ${messageOf(error)}; ` +
        'mend it in chat_template.jinja or tokenizer_config.json, or use template alpaca or vicuna',
      { cause: error },
    );
  }
}

function templateOf(source: string): Template {
  const known = compiled.get(source) ?? new Template(`${NO_CLOCK}${source}`);
  compiled.set(source, known);
  return known;
}
