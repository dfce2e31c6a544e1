import { expect, test } from 'vitest';
import { CompletionRequest, LoadRequest, readBody } from '../../shared/tinylm/serve/request.ts';

const read = (fields: object) =>
  readBody(
    CompletionRequest,
    Buffer.from(JSON.stringify({ model: 'm', prompt: 'Who?', ...fields })),
  );

test('fields with the value that asks for nothing pass', () => {
  const neutral = {
    n: null,
    top_k: -1,
    top_p: 1,
    min_p: 0,
    best_of: 1,
    echo: false,
    stream: false,
    stream_options: null,
    suffix: '',
    presence_penalty: 0,
    frequency_penalty: null,
    logit_bias: {},
    user: 'sampler',
  };
  expect(read(neutral)).toMatchObject({ prompt: 'Who?', top_k: -1 });
});

test.each([
  ['top_p', 0.9, 'top_p: is not supported, leave it out or send 1'],
  ['stream', true, 'stream: is not supported, leave it out or send false'],
  ['logit_bias', { 5: 1 }, 'logit_bias.5: not supported by this server'],
  ['best_of', 4, 'best_of: is not supported'],
  ['reasoning_effort', 'low', 'reasoning_effort: not supported by this server'],
  ['n', 0, 'n: '],
  ['n', 65, 'n: '],
  ['seed', 2 ** 31, 'seed: '],
  ['temperature', -1, 'temperature: '],
  ['max_tokens', 0, 'max_tokens: '],
  ['logprobs', 5, 'logprobs: only the chosen token has one'],
  ['stop', '', 'stop: '],
  ['prompt', [], 'prompt: must hold at least one string'],
  ['prompt', [1, 2], 'prompt: must be a string or a list of strings'],
  ['model', 7, 'model: '],
])('%s = %j is refused by name', (field, value, message) => {
  expect(() => read({ [field]: value })).toThrow(message);
});

test('a body that is not JSON in UTF-8 is refused', () => {
  for (const body of ['', '{"model":', '[]', '\xff'])
    expect(() => readBody(CompletionRequest, Buffer.from(body, 'latin1'))).toThrow(/body/);
});

test('a model is loaded from an absolute path under a plain name', () => {
  const load = (body: object) => readBody(LoadRequest, Buffer.from(JSON.stringify(body)));
  expect(load({ id: 'run-1/round-2', path: '/c' }).id).toBe('run-1/round-2');
  expect(() => load({ id: 'a b', path: '/c' })).toThrow('id: must be 1 to 200 letters');
  expect(() => load({ id: 'a', path: 'c' })).toThrow('path: must be an absolute path');
});
