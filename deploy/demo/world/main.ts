/**
 * Makes the micro-world: `node dist/deploy/demo/world/main.js <folder> [--seed 101] [--size demo|drill]
 * [--habits <file.json>] [--vocabulary <seed>]`.
 * Does nothing where the folder already holds it. Exit 0: it is there; 1: why not is said on stderr.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { defaultHabits, readHabits } from './habits.ts';
import type { Size, WorldOptions } from './world.ts';
import { sizes } from './world.ts';
import { writeWorld } from './write.ts';

async function readOptions(args: string[]): Promise<{ folder: string; options: WorldOptions }> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: '101' },
      size: { type: 'string', default: 'demo' },
      habits: { type: 'string' },
      vocabulary: { type: 'string', default: '0' },
    },
  });
  const [folder, ...rest] = positionals;
  if (folder === undefined || rest.length > 0)
    throw new Error('name one folder to make the world in');
  for (const key of ['seed', 'vocabulary'] as const)
    if (!/^\d{1,9}$/.test(values[key]))
      throw new Error(`--${key} must be a whole number, not ${values[key]}`);
  if (!isSize(values.size))
    throw new Error(`--size must be ${Object.keys(sizes).join(' or ')}, not ${values.size}`);
  return {
    folder: resolve(folder),
    options: {
      seed: Number(values.seed),
      size: values.size,
      habits: values.habits === undefined ? defaultHabits : await readHabits(values.habits),
      vocabulary: Number(values.vocabulary),
    },
  };
}

function isSize(size: string): size is Size {
  return Object.hasOwn(sizes, size);
}

try {
  const { folder, options } = await readOptions(process.argv.slice(2));
  await writeWorld(folder, options);
} catch (error) {
  process.stderr.write(`world: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
