import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  importCheckpoint,
  type Lineage,
  publishCheckpoint as publishFor,
  verifyCheckpoint,
} from '../../agents/trainer/checkpoint/publish.ts';
import { verifyFolder } from '../../agents/trainer/checkpoint/verify.ts';
import { checkSafetensors } from '../../agents/trainer/checkpoint/safetensors.ts';
import { CheckpointManifest } from '../../shared/contract/checkpoint.ts';

const lineage = { parent: null, dataset: null, training: null };

const publishCheckpoint = (from: string, to: string, of: Lineage): Promise<string> =>
  publishFor(from, to, of, 'tested');

let folder: string;
let source: string;
let checkpoints: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reset-checkpoint-'));
  source = await mkdtemp(join(folder, 'output-'));
  checkpoints = join(folder, 'checkpoints');
});

afterEach(() => rm(folder, { recursive: true }));

/** A safetensors file of these header entries and bytes. */
function safetensors(header: unknown, data: Buffer, claimed?: bigint): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claimed ?? BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

function floats(...values: number[]): Buffer {
  return Buffer.from(Float32Array.from(values).buffer);
}

async function published(checkpoints: string): Promise<string[]> {
  return (await readdir(checkpoints)).filter((name) => name !== '.claims');
}

const twoFloats = { a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } };
const sound = safetensors(twoFloats, floats(1, -2));

describe('a safetensors file', () => {
  const hostile: [string, Buffer, string][] = [
    [
      'whose header claims more bytes than there are',
      safetensors(twoFloats, floats(1, 2), 1n << 60n),
      'claims',
    ],
    ['whose header is no JSON', safetensors('{', floats(1)), 'JSON'],
    [
      'with overlapping tensors',
      safetensors(
        { a: twoFloats.a, b: { dtype: 'F32', shape: [1], data_offsets: [4, 8] } },
        floats(1, 2),
      ),
      'overlaps',
    ],
    ['with bytes that no tensor owns', safetensors(twoFloats, floats(1, 2, 3)), 'end at 8 of 12'],
    ['that ends early', safetensors(twoFloats, floats(1)), 'end at 8 of 4'],
    [
      'of a type that is not known',
      safetensors({ a: { dtype: 'X99', shape: [2], data_offsets: [0, 8] } }, floats(1, 2)),
      'X99',
    ],
    [
      'whose shape does not fit its bytes',
      safetensors({ a: { dtype: 'F32', shape: [3], data_offsets: [0, 8] } }, floats(1, 2)),
      'other bytes than its shape',
    ],
    [
      'with a number that is not finite',
      safetensors(twoFloats, floats(1, Number.NaN)),
      'not finite',
    ],
    [
      'with an infinite number',
      safetensors(twoFloats, floats(Number.NEGATIVE_INFINITY, 1)),
      'not finite',
    ],
  ];

  test.each(hostile)('%s is refused with its name', async (_, bytes, problem) => {
    const path = join(folder, 'model.safetensors');
    await writeFile(path, bytes);
    await expect(checkSafetensors(path)).rejects.toThrow(problem);
    await expect(checkSafetensors(path)).rejects.toThrow('model.safetensors');
  });

  test('that is sound passes, with the largest finite numbers too', async () => {
    const path = join(folder, 'model.safetensors');
    await writeFile(path, safetensors(twoFloats, floats(3.4e38, -1e-45)));
    await expect(checkSafetensors(path)).resolves.toBeUndefined();
  });
});

describe('publishing a checkpoint', () => {
  test('names it by its content, and twice gives one folder', async () => {
    await writeFile(join(source, 'model.safetensors'), sound);
    await writeFile(join(source, 'config.json'), '{}');
    const digest = await publishCheckpoint(source, checkpoints, lineage);
    expect(await publishCheckpoint(source, checkpoints, lineage)).toBe(digest);
    expect(await published(checkpoints)).toEqual([digest]);
    expect((await verifyCheckpoint(checkpoints, digest)).files.map(({ path }) => path)).toEqual([
      'config.json',
      'model.safetensors',
    ]);
  });

  test('gives another name to the same weights from another parent', async () => {
    await writeFile(join(source, 'model.safetensors'), sound);
    const digest = await publishCheckpoint(source, checkpoints, lineage);
    expect(await publishCheckpoint(source, checkpoints, { ...lineage, parent: digest })).not.toBe(
      digest,
    );
  });

  test.each(['pytorch_model.bin', 'weights.pt', 'model.pkl'])(
    'refuses %s, which can carry code, and leaves nothing behind',
    async (name) => {
      await writeFile(join(source, 'model.safetensors'), sound);
      await writeFile(join(source, name), 'x');
      await expect(publishCheckpoint(source, checkpoints, lineage)).rejects.toThrow(name);
      expect(await readdir(checkpoints)).toEqual([]);
    },
  );

  test.each([
    ['a pickle', Buffer.from([0x80, 0x04, 0x95, 0x00])],
    ['an archive of torch.save', Buffer.from('PK\u0003\u0004')],
  ])('refuses %s under a harmless name', async (_, bytes) => {
    await writeFile(join(source, 'model.safetensors'), sound);
    await writeFile(join(source, 'tokenizer.json'), bytes);
    await expect(publishCheckpoint(source, checkpoints, lineage)).rejects.toThrow(
      'tokenizer.json: only safetensors weights are taken',
    );
  });

  test('takes weights whose length begins as a pickle does', async () => {
    const weights = safetensors(JSON.stringify(twoFloats).padEnd(0x0280), floats(1, -2));
    expect(weights.subarray(0, 2)).toEqual(Buffer.from([0x80, 0x02]));
    await writeFile(join(source, 'model.safetensors'), weights);
    await expect(publishCheckpoint(source, checkpoints, lineage)).resolves.toMatch(
      /^[0-9a-f]{64}$/,
    );
  });

  test('refuses weights of which a shard is missing', async () => {
    await writeFile(join(source, 'model-00001-of-00002.safetensors'), sound);
    const shard = (part: number) => `model-0000${part}-of-00002.safetensors`;
    await writeFile(
      join(source, 'model.safetensors.index.json'),
      JSON.stringify({ weight_map: { a: shard(1), b: shard(2) } }),
    );
    await expect(publishCheckpoint(source, checkpoints, lineage)).rejects.toThrow(
      'names model-00002-of-00002.safetensors, which is not there',
    );
  });

  test('refuses a folder without weights', async () => {
    await writeFile(join(source, 'config.json'), '{}');
    await expect(publishCheckpoint(source, checkpoints, lineage)).rejects.toThrow(
      'no .safetensors file',
    );
  });

  test('a published file that was changed later is named', async () => {
    await writeFile(join(source, 'model.safetensors'), sound);
    const digest = await publishCheckpoint(source, checkpoints, lineage);
    const file = join(checkpoints, digest, 'model.safetensors');
    const bytes = await readFile(file);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(file, bytes);
    await expect(verifyCheckpoint(checkpoints, digest)).rejects.toThrow(
      'model.safetensors is damaged',
    );
  });
});

describe('a model with the adapter that it was merged from', () => {
  beforeEach(async () => {
    await mkdir(join(source, 'adapter'));
    await writeFile(join(source, 'model.safetensors'), sound);
    await writeFile(join(source, 'adapter/adapter_config.json'), '{}');
    await writeFile(join(source, 'adapter/adapter_model.safetensors'), sound);
  });

  test('is published, verified and taken elsewhere with it', async () => {
    const digest = await publishCheckpoint(source, checkpoints, lineage);
    const here = join(folder, 'here');
    expect(await importCheckpoint(join(checkpoints, digest), here, 'tested')).toBe(digest);
    const { files } = await verifyFolder(join(here, digest));
    expect(files.map(({ path }) => path)).toEqual([
      'adapter/adapter_config.json',
      'adapter/adapter_model.safetensors',
      'model.safetensors',
    ]);
  });

  test('has another name with another adapter', async () => {
    const digest = await publishCheckpoint(source, checkpoints, lineage);
    await writeFile(join(source, 'adapter/adapter_config.json'), '{"r":8}');
    expect(await publishCheckpoint(source, checkpoints, lineage)).not.toBe(digest);
  });

  test.each([
    ['a pickle', 'optimizer.pt', 'x', 'adapter/optimizer.pt: only safetensors weights are taken'],
    ['broken weights', 'adapter_model.safetensors', 'x', 'no safe checkpoint file'],
  ])('is refused with %s in it', async (_, name, bytes, problem) => {
    await writeFile(join(source, 'adapter', name), bytes);
    await expect(publishCheckpoint(source, checkpoints, lineage)).rejects.toThrow(problem);
    expect(await readdir(checkpoints)).toEqual([]);
  });

  test('is not verified where a byte of the adapter was changed or a file put beside it', async () => {
    const digest = await publishCheckpoint(source, checkpoints, lineage);
    const published = join(checkpoints, digest);
    await writeFile(join(published, 'adapter/notes'), 'x');
    await expect(verifyFolder(published)).rejects.toThrow('holds adapter/notes');
    await writeFile(join(published, 'adapter/adapter_config.json'), '[]');
    await expect(verifyFolder(published)).rejects.toThrow('adapter_config.json is damaged');
  });

  test('is refused with folders in it', async () => {
    await mkdir(join(source, 'adapter/deeper'));
    await expect(publishCheckpoint(source, checkpoints, lineage)).rejects.toThrow(
      'adapter/deeper is not a plain file',
    );
  });
});

test.each(['..', '.', '../x', 'adapter/..', 'adapter/../x', 'adapter/a/b', '/x', 'other/x', ''])(
  'no manifest names %j as a file',
  (path) => {
    const file = { path, size: 1, sha256: '0'.repeat(64) };
    expect(CheckpointManifest.safeParse({ files: [file], ...lineage }).success).toBe(false);
  },
);

describe('taking a published checkpoint from elsewhere', () => {
  test('keeps its digest and its lineage, and twice gives one folder', async () => {
    await writeFile(join(source, 'model.safetensors'), sound);
    const parent = '0'.repeat(64);
    const digest = await publishCheckpoint(source, checkpoints, { ...lineage, parent });
    const here = join(folder, 'here');
    expect(await importCheckpoint(join(checkpoints, digest), here, 'tested')).toBe(digest);
    expect(await importCheckpoint(join(checkpoints, digest), here, 'tested')).toBe(digest);
    expect(await published(here)).toEqual([digest]);
    expect((await verifyCheckpoint(here, digest)).parent).toBe(parent);
  });

  test('refuses changed weights, and a folder that is no published checkpoint', async () => {
    await writeFile(join(source, 'model.safetensors'), sound);
    const digest = await publishCheckpoint(source, checkpoints, lineage);
    const here = join(folder, 'here');
    await writeFile(join(checkpoints, digest, 'model.safetensors'), 'other');
    await expect(importCheckpoint(join(checkpoints, digest), here, 'tested')).rejects.toThrow(
      'is damaged',
    );
    await expect(importCheckpoint(source, here, 'tested')).rejects.toThrow(
      'manifest.json cannot be read',
    );
  });

  test('a copy of its folder under another name is published anew, without the old manifest', async () => {
    await writeFile(join(source, 'model.safetensors'), sound);
    await writeFile(join(source, 'manifest.json'), '{}');
    const digest = await publishCheckpoint(source, checkpoints, lineage);
    const { files } = await verifyCheckpoint(checkpoints, digest);
    expect(files.map(({ path }) => path)).toEqual(['model.safetensors']);
  });
});

describe('verifying a published checkpoint', () => {
  test('passes what was published, and names what was put beside it', async () => {
    await writeFile(join(source, 'model.safetensors'), sound);
    const digest = await publishCheckpoint(source, checkpoints, lineage);
    const published = join(checkpoints, digest);
    expect((await verifyFolder(published)).files).toHaveLength(1);
    await writeFile(join(published, 'adapter.bin'), 'x');
    await expect(verifyFolder(published)).rejects.toThrow('holds adapter.bin');
  });

  test('refuses a folder that no digest names', async () => {
    await expect(verifyFolder(source)).rejects.toThrow('is no published checkpoint');
  });
});
