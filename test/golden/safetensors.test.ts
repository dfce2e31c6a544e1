/**
 * Python's safetensors opens what ours writes, and the other way round. The package comes from pip into a venv of the
 * test's own; without Python or an index to install from the test is skipped, under CI it fails.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, type TestContext } from 'vitest';
import {
  readSafetensors,
  writeSafetensors,
  type Tensor,
} from '../../shared/tinylm/model/safetensors.ts';
import { trainCheckpoint } from '../support/tinylm.ts';

const run = promisify(execFile);

const open = `
import json, sys
from safetensors.numpy import load_file, save_file
tensors = load_file(sys.argv[1])
json.dump({n: [list(t.shape), str(t.dtype), t.ravel().tolist()] for n, t in tensors.items()}, sys.stdout)
save_file(tensors, sys.argv[2], metadata={"format": "pt"})
`;

let dir: string;
let missing: string | undefined;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'safetensors-'));
  await writeFile(join(dir, 'open.py'), open);
  try {
    await run('python3', ['-m', 'venv', join(dir, 'venv')]);
    const pip = ['-m', 'pip', 'install', '--quiet', 'safetensors', 'numpy'];
    await run(join(dir, 'venv/bin/python'), pip);
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error;
    missing = `no Python with safetensors: ${(error as Error).message.trim()}`;
  }
}, 120_000);

afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

async function throughPython(tensors: Map<string, Tensor>, context: TestContext) {
  const ours = join(dir, 'ours.safetensors');
  await writeSafetensors(ours, tensors);
  return openInPython(ours, context);
}

/** What Python reads from the file `ours`, and what we read from the file that it then writes. */
async function openInPython(ours: string, context: TestContext) {
  if (missing !== undefined) context.skip(missing);
  const theirs = join(dir, 'theirs.safetensors');
  const python = await run(join(dir, 'venv/bin/python'), [join(dir, 'open.py'), ours, theirs]);
  return { seen: JSON.parse(python.stdout) as unknown, back: await readSafetensors(theirs) };
}

test("Python's safetensors sees the names, shapes and values that we wrote", async (context) => {
  const tensors = new Map<string, Tensor>([
    ['layers.1.weight', { shape: [2, 3], data: Float32Array.of(1, -2.5, 3e-8, 4e30, -0, 6) }],
    ['embedding', { shape: [4], data: Float32Array.of(0.5, 0.25, 0.125, 2 ** -149) }],
    ['scale', { shape: [], data: Float32Array.of(7) }],
    ['empty', { shape: [0, 8], data: new Float32Array() }],
    ['émoji 👩‍🚀', { shape: [1, 1, 1], data: Float32Array.of(9) }],
  ]);
  const { seen, back } = await throughPython(tensors, context);
  expect(seen).toEqual(inPython(tensors));
  expect(back).toEqual(tensors);
});

test('Python reads a trained checkpoint with the values that the engine has', async (context) => {
  const checkpoint = await trainCheckpoint(join(dir, 'job'));
  const ours = join(checkpoint, 'model.safetensors');
  const { seen, back } = await openInPython(ours, context);
  const tensors = await readSafetensors(ours);
  expect(tensors.size).toBeGreaterThan(5);
  expect(seen).toEqual(inPython(tensors));
  expect(back).toEqual(tensors);
});

test('a header of any length is aligned as Python expects', async (context) => {
  for (let length = 1; length <= 9; length += 1) {
    const tensors = new Map([['w'.repeat(length), { shape: [1], data: Float32Array.of(length) }]]);
    expect((await throughPython(tensors, context)).back).toEqual(tensors);
  }
});

/** The tensors as Python's `open.py` prints them. */
function inPython(tensors: Map<string, Tensor>) {
  const entries = [...tensors].map(([name, { shape, data }]) => [
    name,
    [shape, 'float32', Array.from(data)],
  ]);
  return Object.fromEntries(entries) as unknown;
}
