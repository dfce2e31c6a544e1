import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as huggingface from '@huggingface/tokenizers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderTurn } from '../../agents/curator/dataset/template.ts';
import { writeBase } from '../../deploy/demo/llama/base.ts';
import { initialWeights } from '../../deploy/demo/llama/weights.ts';
import { defaultHabits } from '../../deploy/demo/world/habits.ts';
import type { ExampleRow } from '../../deploy/demo/world/rows.ts';
import { writeWorld } from '../../deploy/demo/world/write.ts';
import type { Example } from '../../shared/contract/example.ts';
import { readSafetensors } from '../../shared/tinylm/model/safetensors.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

const options = { seed: 7, size: 'drill', habits: defaultHabits, vocabulary: 0 } as const;
/** What is used of the library, whose own types the linter cannot follow. */
interface Words {
  encode(text: string): { ids: number[] };
  decode(ids: number[]): string;
}
const { Tokenizer } = huggingface as unknown as {
  Tokenizer: new (file: object, config: object) => Words;
};

let folder: TemporaryFolder;
let base: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  base = join(folder.path, 'base');
  const world = join(folder.path, 'world');
  await writeWorld(world, options);
  await writeBase(base, { world, seed: 7, size: 'drill' });
}, 60_000);

afterAll(() => folder[Symbol.asyncDispose]());

async function read(name: string): Promise<Record<string, never>> {
  return JSON.parse(await readFile(join(base, name), 'utf8')) as Record<string, never>;
}

function rowsOf(part: string): ExampleRow[] {
  const lines = readFileSync(join(folder.path, `world/${part}.jsonl`), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as ExampleRow);
}

test('every text of the world is the same again after its tokens, and none of them is unknown', async () => {
  const tokenizer = new Tokenizer(
    await read('tokenizer.json'),
    await read('tokenizer_config.json'),
  );
  const kinds = { span: 'extractive_qa', abs: 'abstractive_qa', sum: 'summarization' };
  const texts = Object.entries(kinds).flatMap(([name, kind]) =>
    rowsOf(`${name}.train`)
      .concat(rowsOf(`${name}-unseen.test`))
      .flatMap((row) => {
        const example = { ...row, kind } as unknown as Example;
        return row.references.map((text) => {
          const { prompt, completion } = renderTurn({ template: 'plain' }, example, text);
          return prompt + completion;
        });
      }),
  );
  expect(texts.length).toBeGreaterThan(500);
  for (const text of texts) {
    const { ids } = tokenizer.encode(text);
    expect(ids).not.toContain(0);
    expect(tokenizer.decode(ids)).toBe(text);
  }
});

test('the weights are those of the architecture that its config names', async () => {
  const config = await read('config.json');
  const tensors = await readSafetensors(join(base, 'model.safetensors'));
  expect(tensors.get('model.embed_tokens.weight')?.shape).toEqual([
    config['vocab_size'],
    config['hidden_size'],
  ]);
  expect(tensors.size).toBe(2 + 9 * Number(config['num_hidden_layers']));
  expect(config['head_dim']).toBe(32);
});

test('a folder that is there is left alone, and another seed makes other weights', async () => {
  const shape = {
    vocab_size: 8,
    hidden_size: 64,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    intermediate_size: 8,
    rope_theta: 10_000,
  };
  const one = initialWeights(shape, 1);
  expect(initialWeights(shape, 1)).toEqual(one);
  expect(initialWeights(shape, 2)).not.toEqual(one);
  await writeBase(base, { world: 'nowhere', seed: 8, size: 'drill' });
  expect(existsSync(`${base}.staging`)).toBe(false);
});

describe('a head of the first layer', () => {
  const size = 32;
  const shape = {
    vocab_size: 8,
    hidden_size: 128,
    num_hidden_layers: 1,
    num_attention_heads: 4,
    intermediate_size: 8,
    rope_theta: 10_000,
  };
  const weights = initialWeights(shape, 1);

  /** What a head reads of the component that all embeddings share, at a position, turned as rotary embeddings turn it. */
  function turned(name: 'q_proj' | 'k_proj', head: number, position: number): number[] {
    const { data } = weights.get(`model.layers.0.self_attn.${name}.weight`) ?? { data: [] };
    const of = (row: number): number => data[(head * size + row) * shape.hidden_size] ?? 0;
    return Array.from({ length: size / 2 }, (_, pair) => {
      const angle = position * shape.rope_theta ** (-pair / (size / 2));
      const [x, y] = [of(pair), of(pair + size / 2)];
      return [x * Math.cos(angle) - y * Math.sin(angle), y * Math.cos(angle) + x * Math.sin(angle)];
    }).flat();
  }

  test.each([0, 1, 2, 3])('begins by looking at one place before its token: head %i', (head) => {
    const query = turned('q_proj', head, 20);
    const scores = Array.from({ length: 21 }, (_, place) =>
      turned('k_proj', head, place).reduce((sum, key, at) => sum + key * (query[at] ?? 0), 0),
    );
    expect(scores.indexOf(Math.max(...scores))).toBe(20 - head - 1);
  });
});
