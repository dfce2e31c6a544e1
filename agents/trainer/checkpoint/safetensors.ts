import { open, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf, PermanentError } from '../../../shared/contract/failure.ts';

const MAX_HEADER_BYTES = 100 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
const BYTES: Record<string, number> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

const Header = z.record(
  z.string(),
  z.union([
    z.object({
      dtype: z.string(),
      shape: z.array(z.int().nonnegative()),
      data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
    }),
    z.record(z.string(), z.string()),
  ]),
);

interface Tensor {
  name: string;
  dtype: string;
  begin: number;
  end: number;
}

/**
 * Checks a safetensors file before anybody loads it: a header of at most 100 MB, known types, tensors that fill the file without gap or
 * overlap, and only finite numbers. Throws PermanentError that names the file and what is wrong.
 */
export async function checkSafetensors(path: string): Promise<void> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    const { tensors, start } = await readHeader(file, size);
    checkLayout(tensors, size - start);
    for (const tensor of tensors) await checkFinite(file, tensor, start);
  } catch (error) {
    throw new PermanentError(`${path} is no safe checkpoint file: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

async function readHeader(
  file: FileHandle,
  size: number,
): Promise<{ tensors: Tensor[]; start: number }> {
  const prefix = await readExactly(file, 0, 8);
  const length = prefix.readBigUInt64LE();
  if (length > BigInt(Math.min(MAX_HEADER_BYTES, size - 8)))
    throw new PermanentError(`its header claims ${length} bytes`);
  const start = 8 + Number(length);
  const header = Header.parse(
    JSON.parse((await readExactly(file, 8, Number(length))).toString('utf8')),
  );
  const tensors = Object.entries(header).flatMap(([name, entry]): Tensor[] => {
    if (name === '__metadata__') return [];
    const tensor = z
      .object({
        dtype: z.string(),
        shape: z.array(z.int()),
        data_offsets: z.tuple([z.int(), z.int()]),
      })
      .parse(entry);
    const [begin, end] = tensor.data_offsets;
    const width = BYTES[tensor.dtype];
    if (width === undefined)
      throw new PermanentError(`tensor ${name} has the type ${tensor.dtype}`);
    if (tensor.shape.reduce((cells, length) => cells * length, 1) * width !== end - begin)
      throw new PermanentError(`tensor ${name} has other bytes than its shape`);
    return [{ name, dtype: tensor.dtype, begin, end }];
  });
  return { tensors, start };
}

function checkLayout(tensors: readonly Tensor[], bytes: number): void {
  let at = 0;
  for (const { name, begin, end } of [...tensors].sort(
    (a, b) => a.begin - b.begin || a.end - b.end,
  )) {
    if (begin !== at) throw new PermanentError(`tensor ${name} overlaps another or leaves a gap`);
    at = end;
  }
  if (at !== bytes) throw new PermanentError(`its tensors end at ${at} of ${bytes} bytes`);
}

async function checkFinite(
  file: FileHandle,
  { name, dtype, begin, end }: Tensor,
  start: number,
): Promise<void> {
  const exponent = exponentOf(dtype);
  if (exponent === undefined) return;
  for (let at = begin; at < end; at += CHUNK_BYTES) {
    const bytes = await readExactly(file, start + at, Math.min(CHUNK_BYTES, end - at));
    for (let index = exponent.high; index < bytes.length; index += exponent.width) {
      // All exponent bits set means infinity or not a number.
      const high = ((bytes[index] ?? 0) << 8) | (bytes[index - 1] ?? 0);
      if ((high & exponent.mask) === exponent.mask)
        throw new PermanentError(`tensor ${name} holds a number that is not finite`);
    }
  }
}

/** Where the exponent of a little-endian number lies: its last byte, its width in bytes, and the exponent's bits among the upper 16. */
function exponentOf(dtype: string): { high: number; width: number; mask: number } | undefined {
  switch (dtype) {
    case 'F64':
      return { high: 7, width: 8, mask: 0x7ff0 };
    case 'F32':
      return { high: 3, width: 4, mask: 0x7f80 };
    case 'BF16':
      return { high: 1, width: 2, mask: 0x7f80 };
    case 'F16':
      return { high: 1, width: 2, mask: 0x7c00 };
    default:
      return undefined;
  }
}

async function readExactly(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await file.read(bytes, 0, length, position);
  if (bytesRead !== length) throw new PermanentError(`it ends ${length - bytesRead} bytes early`);
  return bytes;
}
