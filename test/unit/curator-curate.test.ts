import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Curation,
  curate,
  type SelectedExample,
} from '../../agents/curator/selection/balance.ts';
import { findOverlap } from '../../agents/curator/selection/overlap.ts';
import type { ExclusionRule } from '../../agents/curator/selection/select.ts';
import type { Example } from '../../shared/contract/example.ts';
import { makeExample, makeExamples, makeInstructions, makeRunFile } from '../support/run.ts';

const file = makeRunFile();

function kept(example: Example, text: string, tied = 1, score = 1): SelectedExample {
  const selection = { candidate: 'c', text, excluded: null, score, margin: 0, tied, reason: '' };
  return { example, selection, cells: {} };
}

function excluded(example: Example, rule: ExclusionRule): SelectedExample {
  const none = { candidate: null, text: null, score: null, margin: null, tied: 0, reason: '' };
  return { example, selection: { ...none, excluded: rule }, cells: {} };
}

async function curateAll(
  selected: readonly SelectedExample[],
  evaluation: readonly Example[] = [],
): Promise<Curation> {
  return curate(file, 1, selected, evaluation);
}

test('rows come by dataset and id, rendered by the template, whatever the order of arrival', async () => {
  const selected = [
    ...makeExamples(5).map((example, index) => kept(example, ` Oslo ${index}`)),
    ...makeInstructions(5).map((example, index) => kept(example, ` ${index}`)),
  ];
  const one = await curateAll(selected);
  const other = await curateAll(selected.toReversed());
  expect(one).toEqual(other);
  expect(one.rows.map(({ dataset }) => dataset).join()).toBe(
    [...Array<string>(5).fill('instruct'), ...Array<string>(5).fill('span')].join(),
  );
  const first = makeInstructions(5).find(({ id }) => id === one.rows[0]?.id);
  expect(one.rows[0]?.turns[0]?.prompt).toBe(`${first?.instruction}\n`);
});

test('of the same prompt with the same completion one row stays; with different ones all do', async () => {
  const examples = ['Oslo', 'in Oslo', 'Norway'].map((reference) =>
    makeExample({ references: [reference] }),
  );
  const [one, two, three] = examples;
  if (one === undefined || two === undefined || three === undefined) throw new Error('no examples');
  const curation = await curateAll([kept(one, ' Oslo'), kept(two, 'Oslo'), kept(three, ' Norway')]);
  expect(new Set(curation.rows.map(({ turns }) => turns[0]?.completion))).toEqual(
    new Set([' Norway', ' Oslo']),
  );
  expect(curation.duplicates).toBe(1);
  expect(curation.byDataset['span']).toEqual({ planned: 3, kept: 2, excluded: { duplicate: 1 } });
});

test('every dataset keeps the smallest share of its plan that any reached', async () => {
  const selected = [
    ...makeExamples(20).map((example, index) =>
      index < 5 ? excluded(example, 'no scored candidate') : kept(example, ' Oslo'),
    ),
    ...makeInstructions(40).map((example, index) => kept(example, ` ${index}`)),
  ];
  const { byDataset, rows } = await curateAll(selected);
  expect(byDataset).toEqual({
    instruct: { planned: 40, kept: 30, excluded: { balance: 10 } },
    span: { planned: 20, kept: 15, excluded: { 'no scored candidate': 5 } },
  });
  expect(rows).toHaveLength(45);
});

test('balancing leaves a small dataset at least a row', async () => {
  const [only] = makeExamples(1);
  if (only === undefined) throw new Error('no example');
  const { byDataset } = await curateAll([
    kept(only, ' Oslo'),
    ...makeInstructions(40).map((example, index) =>
      index === 0 ? excluded(example, 'below minScore') : kept(example, ` ${index}`),
    ),
  ]);
  expect([byDataset['span']?.kept, byDataset['instruct']?.kept]).toEqual([1, 39]);
});

describe('keeping the best rows alone', () => {
  const spans = makeExamples(4).map((example, index) => kept(example, ` Oslo ${index}`, 1, index));
  const commands = makeInstructions(6).map((example) => kept(example, ` ${example.id}`));
  const curated = (keep: object, selected = [...spans, ...commands]) =>
    curate(makeRunFile({ select: { keep } }), 1, selected, []);

  test('takes the highest scores of each dataset, and among equal ones the smaller example ids', async () => {
    const { byDataset, rows } = await curated({ perDataset: 2 });
    expect(byDataset).toEqual({
      instruct: { planned: 6, kept: 2, excluded: { keep: 4 } },
      span: { planned: 4, kept: 2, excluded: { keep: 2 } },
    });
    const best = new Set([spans[2]?.example.id, spans[3]?.example.id]);
    expect(new Set(rows.slice(2).map(({ id }) => id))).toEqual(best);
    const first = commands.map(({ example }) => example.id).sort();
    expect(rows.slice(0, 2).map(({ id }) => id)).toEqual(first.slice(0, 2));
  });

  test('takes the highest scores of all datasets, and leaves their mix as it comes', async () => {
    const { byDataset, emptied } = await curated({ best: 2 });
    expect(byDataset['span']).toEqual({ planned: 4, kept: 2, excluded: { keep: 2 } });
    expect(byDataset['instruct']).toEqual({ planned: 6, kept: 0, excluded: { keep: 6 } });
    expect(emptied).toEqual([]);
  });

  test('keeps the datasets in step where one of them has fewer rows than are asked for', async () => {
    const few = [
      ...spans.slice(0, 2),
      ...spans.slice(2).map(({ example }) => excluded(example, 'below minScore')),
      ...commands,
    ];
    const { byDataset } = await curated({ perDataset: 4 }, few);
    expect(byDataset['span']?.kept).toBe(2);
    expect(byDataset['instruct']).toMatchObject({ kept: 2, excluded: { keep: 2, balance: 2 } });
  });
});

test('the control of gold references trains on a reference wherever a candidate was kept', async () => {
  const references = ['Oslo', 'in Oslo'];
  const [one, two, three] = makeExamples(3, { references });
  const bare = makeExample({ question: 'Who?', references: [] });
  if (one === undefined || two === undefined || three === undefined) throw new Error('no examples');
  const { rows, byDataset } = await curate(
    makeRunFile({ select: { policy: 'reference' } }),
    1,
    [kept(one, ' Rome'), kept(two, ' Rome'), excluded(three, 'blank answer'), kept(bare, ' Rome')],
    [],
  );
  expect(rows.map(({ id }) => id).sort()).toEqual([one.id, two.id].sort());
  for (const { turns } of rows)
    expect(references.map((reference) => ` ${reference}`)).toContain(turns[0]?.completion);
  expect(byDataset['span']?.excluded).toEqual({ 'blank answer': 1, 'no reference': 1 });
});

test('a dataset of which nothing is left is named, and nothing unbalanced is trained on', async () => {
  const curation = await curateAll([
    ...makeExamples(3).map((example) => excluded(example, 'below minScore')),
    ...makeInstructions(3).map((example, index) => kept(example, ` ${index}`)),
  ]);
  expect(curation.rows).toEqual([]);
  expect(curation.emptied).toEqual(['span']);
});

test('ties of all selections are counted', async () => {
  const [one, two, three] = makeInstructions(3);
  if (one === undefined || two === undefined || three === undefined) throw new Error('no examples');
  const curation = await curateAll([kept(one, 'a', 2), kept(two, 'b', 1), kept(three, 'c', 3)]);
  expect(curation.ties).toBe(2);
});

const sentence =
  'The committee of the old town met on a cold morning in March to vote on the new bridge.';

test('a kept text that copies 13 words of an evaluation row is refused, a shorter overlap is not', async () => {
  const [one, two, three] = makeExamples(3);
  if (one === undefined || two === undefined || three === undefined) throw new Error('no examples');
  const evaluation = [
    makeExample({ context: `Yesterday: ${sentence.toUpperCase()}`, question: 'When?' }),
  ];
  const curation = await curateAll(
    [
      kept(one, ` ${sentence}`),
      kept(two, ' The committee of the old town met.'),
      kept(three, ' Oslo'),
    ],
    evaluation,
  );
  expect(curation.byDataset['span']?.excluded).toEqual({ 'overlap with dev or test': 1 });
  expect(curation.rows.map(({ id }) => id).sort()).toEqual([two.id, three.id].sort());
});

test('a row with the prompt of an evaluation row is refused, whatever its references', async () => {
  const example = makeExample();
  const overlap = await findOverlap(
    [{ example, text: ' Oslo' }],
    [makeExample({ dataset: 'other', references: ['Norway'] })],
  );
  expect(overlap).toEqual(new Set([example.id]));
});

test('planned = kept + excluded by one rule, for every dataset (conservation)', async () => {
  const rule = fc.constantFrom<ExclusionRule | null>(
    null,
    null,
    null,
    'no scored candidate',
    'below minScore',
    'below minMargin',
    'blank answer',
  );
  const plan = fc.array(fc.tuple(rule, fc.constantFrom('a', 'b', sentence)), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(plan, plan, async (spans, commands) => {
      const groups = [
        // Three references for each question, so that some rows are duplicates.
        spans.map((_, index) =>
          makeExample({ question: `Q${Math.floor(index / 3)}?`, references: [`${index}`] }),
        ),
        makeInstructions(commands.length),
      ];
      const selected = [spans, commands].flatMap((rows, group) =>
        rows.flatMap(([reason, text], index) => {
          const example = groups[group]?.[index];
          if (example === undefined) return [];
          return [reason === null ? kept(example, text) : excluded(example, reason)];
        }),
      );
      const curation = await curateAll(selected, [makeExample({ context: sentence })]);
      let rows = 0;
      let duplicates = 0;
      for (const { planned, kept, excluded } of Object.values(curation.byDataset)) {
        expect(planned).toBe(kept + Object.values(excluded).reduce((sum, times) => sum + times, 0));
        rows += kept;
        duplicates += excluded['duplicate'] ?? 0;
      }
      expect(rows).toBe(curation.rows.length);
      expect(duplicates).toBe(curation.duplicates);
      expect(new Set(curation.rows.map(({ id }) => id)).size).toBe(curation.rows.length);
      const planned = Object.values(curation.byDataset).reduce((sum, one) => sum + one.planned, 0);
      expect(planned).toBe(selected.length);
    }),
  );
});
