import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, PermanentError } from '../../../shared/contract/failure.ts';

/** Formats that can carry code; none is ever loaded or passed on. */
const NAMES = /\.(bin|pt|pth|pkl|pickle|ckpt|pt2|joblib|npy|npz|h5|keras|py|pyc|so)$/i;

/**
 * How such formats begin, whatever they are called: a pickle of protocol 2 to 5, and the archive that torch.save makes. Safetensors begin with a
 * length, which may be any bytes; what is called so is read as such, and nothing else is made of it.
 */
const BEGINNINGS = ['8002', '8003', '8004', '8005', '504b0304'];

/** Throws PermanentError for a file that may carry code, by its name or its first bytes. */
export async function refuseCode(path: string, name: string): Promise<void> {
  const refusal = `${name}: only safetensors weights are taken; this format can carry code`;
  if (NAMES.test(name)) throw new PermanentError(refusal);
  if (name.endsWith('.safetensors')) return;
  await using file = await open(path, 'r');
  const bytes = Buffer.alloc(4);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
  const beginning = bytes.toString('hex', 0, bytesRead);
  if (BEGINNINGS.some((format) => beginning.startsWith(format))) throw new PermanentError(refusal);
}

/**
 * Looks at the files of a model's folder before a program loads it. Throws PermanentError for one that may carry code, and where there are no
 * safetensors.
 */
export async function refuseUnsafeFolder(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new PermanentError(
      `the trainer cannot read the folder ${folder} (${messageOf(cause)}): write the path of a model with safetensors into model.base, or into the stage's checkpoint`,
      { cause },
    );
  });
  for (const entry of entries)
    if (!entry.isDirectory()) await refuseCode(join(folder, entry.name), entry.name);
  if (!entries.some(({ name }) => name.endsWith('.safetensors')))
    throw new PermanentError(`${folder} has no .safetensors file`);
}
