/**
 * Weights on disk in the safetensors format (https://github.com/huggingface/safetensors#format): eight bytes with the
 * little-endian header length, the header in JSON, the values. Only F32, as nothing here writes another type.
 */
import { z } from 'zod';
import { BadCheckpointError, readBytes, writeDurably } from './checkpoint-files.ts';

export interface Tensor {
  shape: number[];
  /** Row-major; as many values as the product of `shape`. */
  data: Float32Array;
}

const MAX_HEADER_BYTES = 100_000_000;
const METADATA = '__metadata__';

const count = z.int().nonnegative();
const Entry = z.strictObject({
  dtype: z.literal('F32'),
  shape: z.array(count).max(8),
  data_offsets: z.tuple([count, count]),
});
type Entry = z.infer<typeof Entry>;

/** Writes `tensors` durably. Names are sorted, so the same tensors always make the same bytes. */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
): Promise<void> {
  const sorted = [...tensors].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const header: [string, unknown][] = [[METADATA, { format: 'pt' }]];
  let end = 0;
  for (const [name, { shape, data }] of sorted) {
    if (product(shape) !== data.length)
      throw new RangeError(`tensor ${name}: ${data.length} values in shape [${shape.join(', ')}]`);
    const begin = end;
    end += data.byteLength;
    header.push([name, { dtype: 'F32', shape, data_offsets: [begin, end] }]);
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, ' ');
  json.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const values = sorted.map(([, { data }]) =>
    Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  );
  await writeDurably('tinylm.model', path, Buffer.concat([length, padded, ...values]));
}

/** Reads every tensor of `path`; throws BadCheckpointError for a damaged or hostile file and for values not finite. */
export async function readSafetensors(path: string): Promise<Map<string, Tensor>> {
  const bytes = await readBytes(path);
  const { entries, start } = readHeader(path, bytes);
  checkCoverage(path, entries, bytes.length - start);
  const tensors = new Map<string, Tensor>();
  for (const [name, { shape, data_offsets }] of entries) {
    const [begin, end] = data_offsets;
    // A copy, because the header may leave the values on an address that is no multiple of four.
    const data = new Float32Array(
      Uint8Array.from(bytes.subarray(start + begin, start + end)).buffer,
    );
    if (!data.every(Number.isFinite))
      throw new BadCheckpointError(path, `tensor ${name} holds a value that is not finite`);
    tensors.set(name, { shape, data });
  }
  return tensors;
}

function readHeader(path: string, bytes: Buffer): { entries: [string, Entry][]; start: number } {
  if (bytes.length < 8) throw new BadCheckpointError(path, 'is too short for a safetensors file');
  const length = bytes.readBigUInt64LE();
  if (length > MAX_HEADER_BYTES || length > bytes.length - 8)
    throw new BadCheckpointError(path, `says that its header has ${length} bytes`);
  const start = 8 + Number(length);
  let header: unknown;
  try {
    header = JSON.parse(bytes.toString('utf8', 8, start));
  } catch (error) {
    throw new BadCheckpointError(path, 'has a header that is not JSON', error);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    throw new BadCheckpointError(path, 'has a header that is not a JSON object');
  const entries = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, value]): [string, Entry] => [name, readEntry(path, name, value)]);
  return { entries, start };
}

function readEntry(path: string, name: string, value: unknown): Entry {
  const parsed = Entry.safeParse(value);
  if (!parsed.success)
    throw new BadCheckpointError(path, `tensor ${name}: ${z.prettifyError(parsed.error)}`);
  const [begin, end] = parsed.data.data_offsets;
  if (end - begin !== 4 * product(parsed.data.shape))
    throw new BadCheckpointError(path, `tensor ${name}: its shape and data_offsets disagree`);
  return parsed.data;
}

/** The format asks that tensors cover the values whole: no gap, no overlap, nothing behind them. */
function checkCoverage(path: string, entries: readonly [string, Entry][], size: number): void {
  const spans = entries
    .map(([name, { data_offsets }]) => ({ name, begin: data_offsets[0], end: data_offsets[1] }))
    .toSorted((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of spans) {
    if (begin !== covered)
      throw new BadCheckpointError(path, `tensor ${name} begins at ${begin}, expected ${covered}`);
    covered = end;
  }
  if (covered !== size)
    throw new BadCheckpointError(path, `holds ${size} bytes of values, its header says ${covered}`);
}

function product(shape: readonly number[]): number {
  return shape.reduce((result, side) => result * side, 1);
}
