import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import {
  type Source,
  type SourceRow,
  sources,
  take,
} from '../../deploy/examples/public-data/sources.ts';
import { Profiles } from '../../shared/contract/peer.ts';
import { RunFile } from '../../shared/contract/run-file.ts';

const asked: SourceRow = {
  id: 'dolly-1',
  kind: 'instruction',
  instruction: 'Name a fruit.',
  context: '',
  question: null,
  references: ['An apple, say.', ' '],
  meta: {},
};
const read: SourceRow = {
  ...asked,
  kind: 'summarization',
  instruction: 'Write a summary of the text above :',
  context: 'It rained.',
};
const instruct: Source = { file: 'dolly', into: { instruction: 'instruct' } };

test('an instruction becomes a row without a passage, with what a program can ask of its answer', () => {
  expect(take(asked, instruct)).toEqual({
    dataset: 'instruct',
    part: 'train',
    row: {
      id: 'dolly-1',
      instruction: 'Name a fruit.',
      context: null,
      question: null,
      references: ['An apple, say.'],
      constraints: [
        { type: 'language', code: 'en' },
        { type: 'word_count', max: 6 },
      ],
    },
  });
});

test.each([
  ['an instruction with a passage', { context: 'It rained.' }, 'context'],
  ['a later turn of a dialogue', { meta: { history: [{}] } }, 'later-turn'],
  ['a row that nobody answered', { references: [' '] }, 'no-answer'],
  ['a row of another kind', { kind: 'extractive_qa' as const }, 'other-kind'],
])('%s is refused', (_, changes, refused) => {
  expect(take({ ...asked, ...changes }, instruct)).toEqual({ refused });
});

test('rows of one passage are of one part, and about a tenth of the passages are for tests', () => {
  const seen: Source = { file: 'cnn', into: { summarization: 'cnn' } };
  const partOf = (context: string): unknown => {
    const taken = take({ ...read, context }, seen);
    return 'part' in taken ? taken.part : taken.refused;
  };
  expect(partOf(' It  rained.\n')).toBe(partOf('It rained.'));
  const parts = Array.from({ length: 1000 }, (_, at) => partOf(`It rained ${at} times.`));
  const tests = parts.filter((part) => part === 'test').length;
  expect(tests).toBeGreaterThan(60);
  expect(tests).toBeLessThan(140);
});

test('an unseen set is for tests alone, and is asked for a summary in the words of the run', () => {
  const unseen: Source = { file: 'xsum', into: { summarization: 'xsum' }, unseen: true };
  expect(take(read, unseen)).toMatchObject({ part: 'test', row: { instruction: null } });
});

test('the run file and the profiles can be read, and the datasets are those that the sources make', async () => {
  const folder = 'deploy/examples/public-data';
  const file = RunFile.parse(parse(await readFile(`${folder}/run.yaml`, 'utf8')));
  const profiles = Profiles.parse(parse(await readFile(`${folder}/profiles.yaml`, 'utf8')));
  expect(Object.keys(profiles.servers)).toContain(file.sampling.server);
  expect(Object.keys(profiles.trainers)).toContain(file.training.backend);
  const made = sources.flatMap(({ into, unseen }) =>
    Object.entries(into).map(([kind, name]) => ({ name, kind, seen: unseen !== true })),
  );
  for (const { name, kind, train } of file.datasets)
    expect(made).toContainEqual({ name, kind, seen: train !== undefined });
  expect(new Set(made.map(({ name }) => name)).size).toBe(file.datasets.length);
});
