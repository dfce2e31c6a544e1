import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { defaultHabits } from '../../deploy/demo/world/habits.ts';
import { writeWorld } from '../../deploy/demo/world/write.ts';

const options = { seed: 101, size: 'drill', habits: defaultHabits, vocabulary: 0 } as const;
let parent: string;
let folder: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'world-'));
  folder = join(parent, 'world');
});

afterEach(async () => {
  await rm(parent, { recursive: true });
});

test('a world is written once, with a sidecar and nothing left beside it', async () => {
  expect(await writeWorld(folder, options)).toBe(true);
  expect(await writeWorld(folder, options)).toBe(false);
  expect(await readdir(parent)).toEqual(['world']);
  expect(await readdir(folder)).toHaveLength(18);
  expect(JSON.parse(await readFile(join(folder, 'world.json'), 'utf8'))).toMatchObject(options);
});

test('what a killed run left half written is not taken over', async () => {
  await mkdir(`${folder}.staging`);
  await writeFile(join(`${folder}.staging`, 'torn.jsonl'), '{"id":');
  await writeWorld(folder, options);
  expect(await readdir(folder)).not.toContain('torn.jsonl');
});

test('a folder with another world, or with anything else, is refused and left as it is', async () => {
  await writeWorld(folder, options);
  await expect(writeWorld(folder, { ...options, seed: 102 })).rejects.toThrow(
    'holds another world',
  );
  const other = join(parent, 'other');
  await mkdir(other);
  await writeFile(join(other, 'mine.txt'), '');
  await expect(writeWorld(other, options)).rejects.toThrow('holds other files');
  expect(await readdir(other)).toEqual(['mine.txt']);
});
