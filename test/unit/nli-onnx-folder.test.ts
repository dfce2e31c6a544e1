import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { digestFolder, readSettings } from '../../agents/judges/nli/onnx-folder.ts';
import { createOnnxNli } from '../../agents/judges/nli/onnx.ts';
import { PermanentError } from '../../shared/contract/failure.ts';
import { sha256 } from '../../shared/contract/ids.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const { signal } = new AbortController();
const id2label = { 0: 'contradiction', 1: 'entailment', 2: 'neutral' };

/** The settings of a config, read from a file. */
async function settingsOf(config: unknown) {
  await using folder = await temporaryFolder();
  const text = typeof config === 'string' ? config : JSON.stringify(config);
  await writeFile(join(folder.path, 'config.json'), text);
  return await readSettings(folder.path);
}

test('the limit of tokens is the least of the model and SummaC', async () => {
  expect(await settingsOf({ id2label, max_position_embeddings: 512 })).toEqual({
    entailment: 1,
    contradiction: 0,
    maxTokens: 500,
    padId: 0,
  });
  const limitOf = async (config: object) => (await settingsOf({ id2label, ...config })).maxTokens;
  expect(await limitOf({})).toBe(500);
  expect(await limitOf({ max_position_embeddings: 128, model_type: 'bert' })).toBe(128);
  const roberta = { max_position_embeddings: 130, model_type: 'roberta', pad_token_id: 1 };
  expect(await limitOf(roberta)).toBe(128);
});

test.each([
  ['{', 'cannot read'],
  [{ max_position_embeddings: 512 }, 'id2label'],
  [{ id2label: { 0: 'LABEL_0', 1: 'LABEL_1', 2: 'LABEL_2' } }, '"LABEL_0", "LABEL_1", "LABEL_2"'],
  [{ id2label: { 0: 'entailment', 1: 'not_entailment' } }, 'entailment, contradiction and neutral'],
  [{ id2label: { 1: 'entailment', 2: 'neutral', 3: 'contradiction' } }, 'from 0'],
])('a config that leaves the labels open is refused by its path: %j', async (config, reason) => {
  const settings = settingsOf(config);
  await expect(settings).rejects.toBeInstanceOf(PermanentError);
  await expect(settings).rejects.toThrow(/config\.json/);
  await expect(settings).rejects.toThrow(reason);
});

test('the digests name the model, the data that it names, and its texts', async () => {
  await using folder = await temporaryFolder();
  const write = (name: string, text: string | Buffer) => writeFile(join(folder.path, name), text);
  // As protobuf writes { key: "location", value: "weights.bin" }, across two chunks of a read.
  const entry = Buffer.from('\n\u0008location\u0012\u000bweights.bin', 'latin1');
  const model = Buffer.concat([Buffer.alloc((1 << 20) - 15), entry, Buffer.from('rest')]);
  await write('model.onnx', model);
  await write('weights.bin', 'numbers');
  await write('other.bin', 'not of the model');
  await write('config.json', '{}');
  await write('tokenizer.json', '{}');
  expect(await digestFolder(folder.path)).toEqual({
    'model.onnx': sha256(model),
    'weights.bin': sha256('numbers'),
    'config.json': sha256('{}'),
    'tokenizer.json': sha256('{}'),
  });
});

test('without the packages that run it, a model says how they are installed', async () => {
  await using folder = await temporaryFolder();
  for (const name of ['model.onnx', 'tokenizer.json'])
    await writeFile(join(folder.path, name), '{}');
  await writeFile(join(folder.path, 'config.json'), JSON.stringify({ id2label }));
  await mkdir(join(folder.path, 'node_modules'));
  const nowhere = pathToFileURL(join(folder.path, 'module.js')).href;
  await expect(createOnnxNli(folder.path, nowhere).identity(signal)).rejects.toThrow(
    'npm install --no-save onnxruntime-node@1.30.0 @huggingface/tokenizers@0.2.0',
  );
});
