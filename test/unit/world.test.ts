import { expect, test } from 'vitest';
import { defaultHabits } from '../../deploy/demo/world/habits.ts';
import { createPopulation } from '../../deploy/demo/world/population.ts';
import { plainPrompt } from '../../deploy/demo/world/pretrain.ts';
import type { ExampleRow } from '../../deploy/demo/world/rows.ts';
import {
  commandWords,
  firstNames,
  lastNames,
  relations,
  relationWords,
} from '../../deploy/demo/world/words.ts';
import { createWorld } from '../../deploy/demo/world/world.ts';
import { renderCompletion, renderPrompt } from '../../agents/curator/dataset/template.ts';
import { Constraint } from '../../shared/contract/constraint.ts';
import { verify } from '../../shared/scoring/verifiable.ts';

const options = { seed: 101, size: 'drill', habits: defaultHabits } as const;
const world = createWorld(options);
const population = createPopulation(101);

/** What a passage states, read back from its text by the statement templates. */
function factsIn(context: string): { key: string; person: string; value: string }[] {
  return context.split(/(?<=\.) /).flatMap((sentence) =>
    relations.flatMap((relation) =>
      relationWords[relation].statements.flatMap((statement) => {
        const pattern = statement
          .replace('.', '\\.')
          .replace('{name}', '(?<person>\\w+ \\w+)')
          .replace('{value}', '(?<value>\\w+ \\w+)');
        const groups = new RegExp(`^${pattern}$`).exec(sentence)?.groups;
        const { person = '', value = '' } = groups ?? {};
        return groups === undefined
          ? []
          : [{ key: `${person}/${relation}/${value}`, person, value }];
      }),
    ),
  );
}

function contexts(rows: readonly ExampleRow[]): string[] {
  return rows.map(({ context }) => context ?? '');
}

/** What stands in more than one of the sets. */
function inTwo(...sets: readonly ReadonlySet<string>[]): string[] {
  const seen = new Set<string>();
  return sets.flatMap((set) => {
    const again = [...set].filter((item) => seen.has(item));
    for (const item of set) seen.add(item);
    return again;
  });
}

const trainedPassages = [
  ...contexts(world.span.train),
  ...world.pretrain.flatMap(({ turns }) =>
    turns.flatMap(({ prompt }) => /^> (.*)\n/.exec(prompt)?.[1] ?? []),
  ),
];

test('the same options give the same rows, another seed gives others', () => {
  expect(createWorld(options)).toEqual(world);
  expect(createWorld({ ...options, seed: 102 })).not.toEqual(world);
});

test('no fact of a passage occurs in two splits', () => {
  const keysOf = (passages: readonly string[]): Set<string> =>
    new Set(passages.flatMap(factsIn).map(({ key }) => key));
  const train = keysOf(trainedPassages);
  const dev = keysOf(contexts(world.span.dev));
  const test = keysOf(contexts(world.span.test));
  expect(Math.min(train.size, dev.size, test.size)).toBeGreaterThan(100);
  expect(inTwo(train, dev, test)).toEqual([]);
});

test('unseen passages hold people and values that no other passage holds', () => {
  const others = [...trainedPassages, ...contexts(world.span.dev), ...contexts(world.span.test)];
  const known = new Set(others.flatMap(factsIn).flatMap(({ person, value }) => [person, value]));
  const unseen = contexts(world.span.unseen).flatMap(factsIn);
  expect(unseen.length).toBeGreaterThan(100);
  expect(unseen.filter(({ person, value }) => known.has(person) || known.has(value))).toEqual([]);
});

test('passages contradict what is known of a person outside of them', () => {
  const known = new Map(
    [...population.celebrities.seen, ...population.celebrities.unseen].flatMap(({ name, facts }) =>
      relations.map((relation) => [`${name}/${relation}/${facts[relation].text}`, name]),
    ),
  );
  const stated = [...trainedPassages, ...contexts(world.span.unseen)].flatMap(factsIn);
  expect(stated.some(({ person }) => [...known.values()].includes(person))).toBe(true);
  expect(stated.filter(({ key }) => known.has(key))).toEqual([]);
});

test('no passage holds an alias, so an answer with one is never a span of it', () => {
  const aliases = relations.flatMap((relation) => Object.values(relationWords[relation].second));
  const words = new Set(
    [...trainedPassages, ...contexts(world.span.test), ...contexts(world.span.unseen)].flatMap(
      (context) => context.match(/\w+/g) ?? [],
    ),
  );
  expect(aliases.filter((alias) => words.has(alias))).toEqual([]);
});

test('train references stray from the passage as often as the table says, and never in the clean world', () => {
  const strays = (rows: readonly ExampleRow[]): number =>
    rows.filter(({ context, references }) => !context?.includes(references[0] ?? '')).length;
  const mean = Object.values(defaultHabits.alias).reduce((sum, p) => sum + p, 0) / 4;
  expect(strays(world.span.train) / world.span.train.length).toBeCloseTo(mean, 1);
  const clean = createWorld({ ...options, habits: { ...defaultHabits, factor: 0 } });
  expect(strays(clean.span.train)).toBe(0);
});

test('dev and test references hold the value of the passage first, then its alias', () => {
  for (const { context, references } of [
    ...world.span.dev,
    ...world.span.test,
    ...world.span.unseen,
  ]) {
    expect(references).toHaveLength(2);
    expect(context?.includes(references[0] ?? '')).toBe(true);
    expect(context?.includes(references[1] ?? '')).toBe(false);
  }
});

test('every reference of an instruction fulfils all constraints of its row', () => {
  for (const { references, constraints = [] } of [
    ...world.instruct.train,
    ...world.instruct.unseen,
  ]) {
    expect(constraints.map((constraint) => Constraint.parse(constraint))).toEqual(constraints);
    expect(verify(references[0] ?? '', constraints).failed).toEqual([]);
  }
});

test('no instruction of dev, test or unseen is trained on, in whatever order its words stand', () => {
  const contentOf = (instruction: string | null): string =>
    (instruction ?? '').match(/\w+/g)?.toSorted().join(' ') ?? '';
  const trained = new Set([
    ...world.instruct.train.map(({ instruction }) => contentOf(instruction)),
    ...world.pretrain
      .filter(({ turns }) => turns.every(({ prompt }) => !/^> .*\n/.test(prompt)))
      .flatMap(({ turns }) => turns.map(({ prompt }) => contentOf(prompt))),
  ]);
  const dev = new Set(world.instruct.dev.map(({ instruction }) => contentOf(instruction)));
  const test = new Set(
    [...world.instruct.test, ...world.instruct.unseen].map(({ instruction }) =>
      contentOf(instruction),
    ),
  );
  expect(inTwo(trained, dev, test)).toEqual([]);
});

test('pre-training shows prompts and answers in the shape of the template plain', () => {
  const example = { id: '', dataset: 'span', instruction: null };
  for (const { context, question } of world.span.train.slice(0, 20))
    expect(plainPrompt(context, question ?? '')).toBe(
      renderPrompt('plain', {
        ...example,
        kind: 'extractive_qa',
        context,
        question,
        references: [],
      }),
    );
  for (const { instruction } of world.instruct.train.slice(0, 20))
    expect(plainPrompt(null, instruction ?? '')).toBe(
      renderPrompt('plain', {
        ...example,
        kind: 'instruction',
        instruction,
        context: null,
        question: null,
        references: [],
      }),
    );
  for (const { turns } of world.pretrain)
    for (const { completion } of turns) expect(completion).toBe(renderCompletion(completion));
});

test('the world is made of fewer than 300 words, and no name, value or alias is two things', () => {
  const listed = [
    ...firstNames,
    ...lastNames,
    ...relations.flatMap((relation) => [
      ...relationWords[relation].first,
      ...Object.entries(relationWords[relation].second).flat(),
    ]),
  ].map((word) => word.toLowerCase());
  expect(new Set(listed).size).toBe(listed.length);
  expect(commandWords.every((word) => listed.includes(word))).toBe(true);
  const text = world.pretrain.flatMap(({ turns }) =>
    turns.map(({ prompt, completion }) => `${prompt}${completion}`),
  );
  expect(new Set(text.join(' ').toLowerCase().match(/\w+/g)).size).toBeLessThan(300);
});
