import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../shared/tinylm/model/config.ts';
import {
  readSafetensors,
  writeSafetensors,
  type Tensor,
} from '../../shared/tinylm/model/safetensors.ts';

let dir: string;
let path: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tinylm-'));
  path = join(dir, 'model.safetensors');
});

afterAll(async () => {
  await rm(dir, { recursive: true });
});

const tensor = (shape: number[], ...data: number[]): Tensor => ({
  shape,
  data: Float32Array.from(data),
});

/** A file with any header and `size` bytes of zeros behind it. */
async function writeRaw(header: unknown, size: number, length?: bigint): Promise<void> {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(length ?? BigInt(json.length));
  await writeFile(path, Buffer.concat([prefix, json, Buffer.alloc(size)]));
}

const entry = (shape: number[], begin: number, end: number, dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

test('tensors come back bit for bit, whatever their names and shapes', async () => {
  const anyTensor = fc
    .array(fc.float({ noNaN: true, noDefaultInfinity: true }), { maxLength: 12 })
    .map((values) => tensor([values.length], ...values));
  const tensors = fc.dictionary(fc.string(), anyTensor).map((d) => new Map(Object.entries(d)));
  await fc.assert(
    fc.asyncProperty(tensors, async (written) => {
      await writeSafetensors(path, written);
      const read = await readSafetensors(path);
      expect(read).toEqual(written);
    }),
    { numRuns: 30 },
  );
});

test('the same tensors make the same bytes in any order, and no staging file stays', async () => {
  const a: [string, Tensor] = ['a', tensor([2, 1], 1, 2)];
  const b: [string, Tensor] = ['b', tensor([], 3)];
  await writeSafetensors(path, new Map([a, b]));
  const first = await readFile(path);
  await writeSafetensors(path, new Map([b, a]));
  expect(await readFile(path)).toEqual(first);
  expect(await readdir(dir)).toEqual(['model.safetensors']);
});

test('a shape that does not fit its values is not written', async () => {
  await expect(writeSafetensors(path, new Map([['a', tensor([3], 1)]]))).rejects.toThrow(
    'tensor a: 1 values in shape [3]',
  );
});

test.each([
  ['a header longer than the file', {}, 0, 1000n, 'header has 1000 bytes'],
  ['a header of 2^63 bytes', {}, 0, 1n << 63n, 'header has 9223372036854775808 bytes'],
  ['a header that is not JSON', '{"a":', 0, undefined, 'not JSON'],
  ['a header that is an array', [], 0, undefined, 'not a JSON object'],
  ['another type', { a: entry([1], 0, 2, 'F16') }, 2, undefined, 'tensor a:'],
  ['a negative offset', { a: entry([1], -4, 0) }, 0, undefined, 'tensor a:'],
  ['a fractional shape', { a: entry([0.5], 0, 2) }, 2, undefined, 'tensor a:'],
  ['offsets that end before they begin', { a: entry([1], 8, 4) }, 8, undefined, 'disagree'],
  ['a shape that overflows', { a: entry([2 ** 40, 2 ** 40], 0, 4) }, 4, undefined, 'disagree'],
  ['a tensor past the end', { a: entry([4], 0, 16) }, 8, undefined, 'its header says 16'],
  ['bytes of no tensor', { a: entry([1], 0, 4) }, 8, undefined, 'its header says 4'],
  ['an overlap', { a: entry([2], 0, 8), b: entry([1], 4, 8) }, 8, undefined, 'expected 8'],
  ['a gap', { a: entry([1], 0, 4), b: entry([1], 8, 12) }, 12, undefined, 'expected 4'],
])('%s is refused', async (_, header, size, length, message) => {
  await writeRaw(header, size, length);
  await expect(readSafetensors(path)).rejects.toThrow(message);
});

test('a file cut anywhere is refused', async () => {
  await writeSafetensors(path, new Map([['w', tensor([2, 2], 1, 2, 3, 4)]]));
  const whole = await readFile(path);
  for (let length = 0; length < whole.length; length += 1) {
    await writeFile(path, whole.subarray(0, length));
    await expect(readSafetensors(path)).rejects.toThrow('model.safetensors');
  }
});

test('a value that is not finite is refused', async () => {
  await writeSafetensors(path, new Map([['w', tensor([2], 0, Number.NaN)]]));
  await expect(readSafetensors(path)).rejects.toThrow('tensor w holds a value that is not finite');
});

test('a config gets the defaults, and a bad one is refused by field', async () => {
  const file = join(dir, 'config.json');
  await writeFile(file, '{"vocab_size":24}');
  expect(await readConfig(dir)).toMatchObject({ hidden_size: 128, conv_taps: 4, vocab_size: 24 });
  await writeFile(file, '{"vocab_size":24,"num_attention_heads":3,"layers":2}');
  await expect(readConfig(dir)).rejects.toThrow(/config\.json: [^]*"layers"/);
  await writeFile(file, '{"vocab_size":24,"num_attention_heads":3}');
  await expect(readConfig(dir)).rejects.toThrow(/must be a multiple of 4/);
});
