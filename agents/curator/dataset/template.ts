/** Prompts as a model reads them, for training, sampling and evaluation alike. */
import type { DatasetKind, Example } from '../../../shared/contract/example.ts';
import { PermanentError } from '../../../shared/contract/failure.ts';
import type { RunFile } from '../../../shared/contract/run-file.ts';
import type { TrainingRow } from '../../../shared/contract/training.ts';
import {
  type Message,
  renderAnswer,
  renderMessages,
  renderTurns,
} from '../../../shared/chat/render.ts';

type Model = Pick<RunFile['model'], 'template' | 'chat'>;
type Turn = TrainingRow['turns'][number];

/** Bold in the paper's Table 3. A row's own instruction goes before it. */
const taskInstructions: Readonly<Record<Exclude<DatasetKind, 'instruction'>, string>> = {
  extractive_qa:
    'Answer to the question by extracting a specific text span from the given passages. Do not include new information beyond the given passages.',
  abstractive_qa:
    'Answer the question with well-formed sentences. Paraphrase the context in the passages if necessary. Do not include new information beyond the given passages.',
  summarization:
    'Summarize the text in a few sentences. Using original phrases or paraphrasing them if necessary. Do not include new information beyond the given passages.',
};

const templates: Readonly<Record<Model['template'], (example: Example) => string>> = {
  /** For small models: the passage after a mark, the question or the instruction, nothing else. */
  plain: (example) => {
    const passage = example.context === null ? '' : `> ${example.context}\n`;
    const asked = [example.instruction, example.question].filter((text) => text !== null);
    return `${passage}${asked.length > 0 ? asked.join('\n') : instructionOf(example)}\n`;
  },
  /** Table 2; an instruction without context has an empty input (Table 15). */
  alpaca: (example) =>
    'Below is an instruction that describes a task, paired with an input that provides further context. ' +
    'Write a response that appropriately completes the request.\n\n' +
    `### Instruction:\n${instructionOf(example)}\n\n### Input:\n${inputOf(example)}\n\n### Response:`,
  /** Table 6, with its marks. */
  vicuna: (example) =>
    'A chat between a curious user and an artificial intelligence assistant. ' +
    "The assistant gives helpful, detailed, and polite answers to the user's questions. " +
    `### USER: ${messageOf(example)} ###ASSISTANT:`,
  /** What Vicuna's user says, for the model's own template to write. */
  chat: messageOf,
};

/** The prompt of an example. */
export function renderPrompt(model: Model, example: Example): string {
  const text = templates[model.template](example);
  const chat = chatOf(model);
  return chat === undefined ? text : renderMessages(chat, messagesOf(example, text));
}

/** The prompt of an example, and the completion that a text is trained as. */
export function renderTurn(model: Model, example: Example, text: string): Turn {
  const prompt = templates[model.template](example);
  const chat = chatOf(model);
  return chat === undefined
    ? { prompt, completion: renderCompletion(text) }
    : renderAnswer(chat, messagesOf(example, prompt), text);
}

/** Turns of a ready row: in a chat what user and assistant said, by any other template the text itself. */
export function renderReady(model: Model, turns: readonly Turn[]): readonly Turn[] {
  const chat = chatOf(model);
  return chat === undefined ? turns : renderTurns(chat, turns);
}

/** With one space before it, for that is how a word begins as a token after any of the prompts that are text. */
function renderCompletion(text: string): string {
  return ` ${text.trimStart()}`;
}

function chatOf({ template, chat }: Model): Model['chat'] {
  if (template !== 'chat') return undefined;
  if (chat === undefined) throw new PermanentError('the run file has no model.chat');
  return chat;
}

/** What was said before belongs to the prompt: only the answer is learned. */
function messagesOf({ history = [] }: Example, content: string): Message[] {
  const earlier = history.flatMap(({ prompt, completion }): Message[] => [
    { role: 'user', content: prompt },
    { role: 'assistant', content: completion },
  ]);
  return [...earlier, { role: 'user', content }];
}

function messageOf(example: Example): string {
  return [instructionOf(example), inputOf(example)].filter((text) => text !== '').join('\n');
}

function instructionOf({ kind, instruction }: Example): string {
  if (instruction !== null) return instruction;
  return kind === 'instruction' ? '' : taskInstructions[kind];
}

/** Tables 9–14: the question, then each passage of a line of its own; a text to summarise stands bare. */
function inputOf({ kind, question, context }: Example): string {
  const passages = (context ?? '').split('\n').filter((passage) => passage.trim() !== '');
  const lines =
    kind === 'summarization'
      ? [context ?? '']
      : passages.map((passage) => `Passage: ${passage.trim()}`);
  return [...(question === null ? [] : [`Question: ${question}`]), ...lines].join('\n');
}
