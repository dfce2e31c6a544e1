import { describe, expect, test } from 'vitest';
import type { RunFile } from '../../shared/contract/run-file.ts';
import { renderPrompt, renderReady, renderTurn } from '../../agents/curator/dataset/template.ts';
import { plainChat } from '../support/chat-models.ts';
import { makeExample, makeInstructions } from '../support/run.ts';

type Model = Pick<RunFile['model'], 'template' | 'chat'>;

const extract =
  'Answer to the question by extracting a specific text span from the given passages. Do not include new information beyond the given passages.';
const [command] = makeInstructions(1);
if (command === undefined) throw new Error('no instruction example');
const [plain, alpaca, vicuna] = (['plain', 'alpaca', 'vicuna'] as const).map((template) => ({
  template,
})) as [Model, Model, Model];

test('plain is the passage after a mark, then the question or the instruction', () => {
  expect(renderPrompt(plain, makeExample())).toBe('> Ada lives in Oslo.\nWhere does Ada live?\n');
  expect(renderPrompt(plain, command)).toBe('Say 0.\n');
  const summary = makeExample({ kind: 'summarization', question: null });
  expect(renderPrompt(plain, summary)).toBe(
    '> Ada lives in Oslo.\nSummarize the text in a few sentences. Using original phrases or paraphrasing them if necessary. Do not include new information beyond the given passages.\n',
  );
});

test('alpaca is Table 2 with the input of Table 9: the question, then each passage', () => {
  const example = makeExample({ context: 'Ada lives in Oslo.\nBob lives in Rome.' });
  expect(renderPrompt(alpaca, example)).toBe(
    `Below is an instruction that describes a task, paired with an input that provides further context. Write a response that appropriately completes the request.

### Instruction:
${extract}

### Input:
Question: Where does Ada live?
Passage: Ada lives in Oslo.
Passage: Bob lives in Rome.

### Response:`,
  );
});

test('alpaca gives an instruction an empty input (Table 15) and a summary the bare text (Table 10)', () => {
  expect(renderPrompt(alpaca, command)).toMatch(
    /### Instruction:\nSay 0\.\n\n### Input:\n\n\n### Response:$/,
  );
  const summary = makeExample({ kind: 'summarization', question: null });
  expect(renderPrompt(alpaca, summary)).toContain('### Input:\nAda lives in Oslo.\n\n');
});

test('vicuna is Table 6', () => {
  expect(renderPrompt(vicuna, makeExample())).toBe(
    `A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers to the user's questions. ### USER: ${extract}\nQuestion: Where does Ada live?\nPassage: Ada lives in Oslo. ###ASSISTANT:`,
  );
  expect(renderPrompt(vicuna, command)).toMatch(/### USER: Say 0\. ###ASSISTANT:$/);
});

test("a row's own instruction takes the place of the task's", () => {
  const example = makeExample({ instruction: 'Name the town.' });
  expect(renderPrompt(alpaca, example)).toContain('### Instruction:\nName the town.\n\n');
  expect(renderPrompt(plain, example)).toContain('Name the town.\nWhere does Ada live?\n');
});

test('a completion begins with one space and is else the text as it was sampled', () => {
  const prompt = renderPrompt(vicuna, makeExample());
  expect(renderTurn(vicuna, makeExample(), ' Oslo')).toEqual({ prompt, completion: ' Oslo' });
  expect(renderTurn(vicuna, makeExample(), 'Oslo \n').completion).toBe(' Oslo \n');
});

describe('chat', () => {
  const chat = { template: 'chat' as const, chat: plainChat };
  const asked = `<user>${extract}\nQuestion: Where does Ada live?\nPassage: Ada lives in Oslo.<assistant>`;

  test("is the message of Vicuna's user in the model's own template, and leaves to the tokenizer what that puts before it", () => {
    expect(renderPrompt(chat, makeExample())).toBe(asked);
    expect(renderPrompt(chat, command)).toBe('<user>Say 0.<assistant>');
  });

  test('is answered by the text as it was sampled, up to the token that ends the turn', () => {
    expect(renderTurn(chat, makeExample(), ' Oslo')).toEqual({
      prompt: asked,
      completion: ' Oslo<end>',
    });
  });

  test('begins with what was said before, of which nothing is learned', () => {
    const history = [{ prompt: 'Say red.', completion: 'red' }];
    const example = { ...command, history };
    const prompt = '<user>Say red.<assistant>red<end>\n<user>Say 0.<assistant>';
    expect(renderPrompt(chat, example)).toBe(prompt);
    expect(renderTurn(chat, example, '0')).toEqual({ prompt, completion: '0<end>' });
  });

  test('makes text of the messages of ready rows; those of other templates are text', () => {
    const turns = [
      { prompt: 'red?', completion: 'no' },
      { prompt: 'blue?', completion: 'yes' },
    ];
    expect(renderReady(plain, turns)).toEqual(turns);
    expect(renderReady(chat, turns)).toEqual([
      { prompt: '<user>red?<assistant>', completion: 'no<end>' },
      { prompt: '\n<user>blue?<assistant>', completion: 'yes<end>' },
    ]);
  });
});
