import { expect, test } from 'vitest';
import { makeAbsRows } from '../../deploy/demo/world/abs.ts';
import { makeInstructRows } from '../../deploy/demo/world/instruct.ts';
import { createPopulation } from '../../deploy/demo/world/population.ts';
import { makePretrainRows } from '../../deploy/demo/world/pretrain.ts';
import { drawsFor } from '../../deploy/demo/world/random.ts';
import type { ExampleRow, Part } from '../../deploy/demo/world/rows.ts';
import { makeSpanRows } from '../../deploy/demo/world/span.ts';
import { makeSumRows } from '../../deploy/demo/world/sum.ts';
import type { RelationWords, Vocabulary } from '../../deploy/demo/world/vocabulary.ts';
import { relations, textsOf } from '../../deploy/demo/world/vocabulary.ts';
import { renderTurn } from '../../agents/curator/dataset/template.ts';
import { english } from '../../deploy/demo/world/words.ts';
import type { DatasetKind } from '../../shared/contract/example.ts';
import { inTwo, partOf } from '../support/world.ts';

test.each([0, 5])('pre-training shows every word of vocabulary %i as prompts write it', (seed) => {
  const people = createPopulation(101, seed);
  const pretrain = makePretrainRows(people, 60, drawsFor(101, 'pretrain'));
  const part = (name: string): Part => partOf(name, 'unseen', people);
  const newWording = ({ newQuestion }: RelationWords): string[] => [newQuestion];
  const piecesOf = (text: string): string[] => text.match(/ ?\w+| ?[^\s\w]|\s/g) ?? [];
  const known = new Set(
    pretrain.flatMap(({ turns }) =>
      turns.flatMap(({ prompt, completion }) => [...piecesOf(prompt), ...piecesOf(completion)]),
    ),
  );
  const shown = (kind: DatasetKind, rows: readonly ExampleRow[]): string[] =>
    rows.flatMap(({ id, instruction, context, question, references: [reference = ''] }) => {
      const row = { id, dataset: 'any', kind, instruction, context, question, references: [] };
      const { prompt, completion } = renderTurn({ template: 'plain' }, row, reference);
      return [...piecesOf(prompt), ...piecesOf(completion)];
    });
  const pieces = [
    ...shown('instruction', makeInstructRows(partOf('instruct', 'train', people))),
    ...shown('extractive_qa', makeSpanRows(part('span'))),
    ...shown('extractive_qa', makeSpanRows(part('wording'), newWording)),
    ...shown('abstractive_qa', makeAbsRows(part('abs'))),
    ...shown('summarization', makeSumRows(part('sum'))),
  ];
  expect([...new Set(pieces)].filter((piece) => !known.has(piece))).toEqual([]);
});

test.each([0, 5, 9])(
  'vocabulary %i has fewer than 300 words, and no name, value or alias is two things',
  (seed) => {
    const words = createPopulation(101, seed).vocabulary;
    const listed = [
      ...words.firstNames,
      ...words.lastNames,
      ...relations.flatMap((relation) => [
        ...words.relations[relation].first,
        ...Object.entries(words.relations[relation].second).flat(),
      ]),
    ].map((word) => word.toLowerCase());
    expect(new Set(listed).size).toBe(listed.length);
    const all = new Set(textsOf(words).join(' ').toLowerCase().match(/\w+/g));
    expect(all.size).toBeLessThan(300);
  },
);

test('another vocabulary has no word of the default one, and the same shape of world', () => {
  const people = createPopulation(101, 5);
  const wordsOf = (of: Vocabulary): Set<string> =>
    new Set(textsOf(of).join(' ').toLowerCase().match(/\w+/g));
  expect(inTwo(wordsOf(english), wordsOf(people.vocabulary))).toEqual([]);
  for (const { context, references } of makeSpanRows(partOf('span', 'test', people)))
    expect(context).toContain(references[0]);
});
