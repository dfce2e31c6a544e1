import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutUnits, type PlannedUnit } from '../../agents/curator/plan/cut.ts';
import { mostCells } from '../../agents/curator/plan/grid.ts';
import { judgeUnit, sampleUnit, servedName } from '../../agents/curator/plan/requests.ts';
import { byExample, drawSome, drawSubset } from '../../agents/curator/plan/subset.ts';
import { plannedRequests } from '../../agents/curator/step/score-unit.ts';
import type { Example } from '../../shared/contract/example.ts';
import { Id, textId } from '../../shared/contract/ids.ts';
import { randomFrom } from '../../shared/contract/random.ts';
import {
  type Generation,
  JudgeUnit,
  MAX_UNIT_BYTES,
  SampleUnit,
} from '../../shared/contract/work.ts';
import { makeExample, makeExamples, makeInstructions, makeRunFile } from '../support/run.ts';

const file = makeRunFile();
const checkpoint = 'c'.repeat(64);
const options = {
  step: 'r1',
  split: 'train' as const,
  answers: mostCells(file.sampling),
  maxTokens: 16,
  promptOf: ({ question }: Example) => question ?? '',
};

test('a subset has as many rows as asked for, each once, whatever the order of the file', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 80 }),
      (rows, perRound) => {
        const train = makeExamples(rows);
        const subset = drawSubset({ name: 'span', perRound }, train, 1, 1);
        expect(subset.examples).toHaveLength(Math.min(rows, perRound));
        expect(new Set(subset.examples.map(({ id }) => id)).size).toBe(subset.examples.length);
        expect(subset.missing).toBe(Math.max(0, perRound - rows));
        expect(drawSubset({ name: 'span', perRound }, train.toReversed(), 1, 1)).toEqual(subset);
      },
    ),
  );
});

test('rounds draw different subsets and never run out of rows (rounds-beyond-data)', () => {
  const train = makeExamples(40);
  const rounds = Array.from({ length: 30 }, (_, round) =>
    drawSubset({ name: 'span', perRound: 30 }, train, 1, round + 1),
  );
  for (const { examples, missing } of rounds) expect([examples.length, missing]).toEqual([30, 0]);
  const different = new Set(rounds.map(({ examples }) => examples.map(({ id }) => id).join()));
  expect(different.size).toBe(30);
});

test('a drawing takes each item at most once and every item alike', () => {
  const random = randomFrom('test');
  const times = new Map<number, number>();
  for (let draw = 0; draw < 4000; draw += 1)
    for (const item of drawSome([0, 1, 2, 3, 4], 2, random))
      times.set(item, (times.get(item) ?? 0) + 1);
  for (const item of [0, 1, 2, 3, 4])
    expect(Math.abs((times.get(item) ?? 0) - 1600)).toBeLessThan(150);
  expect(new Set(drawSome([1, 2, 3], 9, random))).toEqual(new Set([1, 2, 3]));
});

test('every example is in exactly one unit, in order, for any number of rows (n-not-divisible, odd-shards)', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 120_000 }), { maxLength: 120 });
  fc.assert(
    fc.property(lengths, fc.nat(40), (contexts, instructions) => {
      const examples = [
        ...makeInstructions(instructions),
        ...contexts.map((length, index) =>
          makeExample({ context: 'x'.repeat(length), question: `question ${index}` }),
        ),
      ].sort(byExample);
      const units = cutUnits(examples, options);
      expect(units.flatMap((unit) => unit.examples)).toEqual(examples.map(({ id }) => id));
      expect(new Set(units.map(({ unit }) => unit)).size).toBe(units.length);
      for (const unit of units) expect(unit.examples.length).toBeLessThanOrEqual(32);
      const datasetOf = new Map(examples.map(({ id, dataset }) => [id, dataset]));
      for (const { dataset, examples } of units)
        expect(examples.map((id) => datasetOf.get(id))).toEqual(examples.map(() => dataset));
    }),
    { numRuns: 30 },
  );
});

function requestsFor(planned: PlannedUnit) {
  const task = { step: 'r1', checkpoint, winRates: null };
  return (example: string) => plannedRequests(file, task, planned, example);
}

test('units of many examples stay below the limit of a message with the longest answers', () => {
  const examples = makeExamples(200).map((example, index) =>
    makeExample({ ...example, context: 'word '.repeat(50 * (index % 40) + 1) }),
  );
  const byId = new Map(examples.map((example) => [example.id, example]));
  for (const planned of cutUnits([...byId.values()].sort(byExample), options)) {
    const rows = planned.examples.flatMap((id) => byId.get(id) ?? []);
    const unit = sampleUnit(file, checkpoint, planned, rows, requestsFor(planned));
    const text = 'x'.repeat(16 * 8);
    const generations = (items: SampleUnit['items'], example: string): Generation[] =>
      (items.find((item) => item.example === example)?.requests ?? []).map(
        ({ candidate }, index) => ({
          outcome: 'generated',
          candidate,
          text: `${text}${index}`,
          tokens: 16,
          finish: 'length',
        }),
      );
    const judged = judgeUnit(
      file,
      planned,
      { name: 'em', axis: 'task', type: 'exact-match' },
      rows.map((example) => ({ example, generations: generations(unit.items, example.id) })),
    );
    expect(Buffer.byteLength(JSON.stringify(SampleUnit.parse(unit)))).toBeLessThan(MAX_UNIT_BYTES);
    expect(Buffer.byteLength(JSON.stringify(JudgeUnit.parse(judged)))).toBeLessThan(MAX_UNIT_BYTES);
  }
});

test('an example that is larger than a message is a unit of its own', () => {
  const large = makeExample({ context: 'x'.repeat(MAX_UNIT_BYTES) });
  const units = cutUnits([large, ...makeExamples(2)], options);
  expect(units.map(({ examples }) => examples.length)).toEqual([1, 2]);
});

test('a sampling unit carries the grid on train parts and one greedy request on dev', () => {
  const example = makeExample();
  const planned = {
    unit: 'r1-train-s0000',
    split: 'train' as const,
    dataset: 'span',
    examples: [example.id],
  };
  const train = SampleUnit.parse(
    sampleUnit(file, checkpoint, planned, [example], requestsFor(planned)),
  );
  expect(train.items[0]?.requests).toHaveLength(7);
  expect(train.items[0]?.prompt).toBe('> Ada lives in Oslo.\nWhere does Ada live?\n');
  const onDev = { ...planned, split: 'dev' as const };
  const dev = sampleUnit(file, checkpoint, onDev, [example], requestsFor(onDev));
  expect(dev.items[0]?.requests.map(({ cells }) => cells)).toEqual([['greedy']]);
});

test('a judge gets each distinct text once, and only of examples of its kind', () => {
  const [example, instruction] = [makeExample(), ...makeInstructions(1)];
  if (instruction === undefined) throw new Error('no instruction example');
  const texts = [' Oslo', ' Rome', ' Oslo'];
  const generations = texts.map((text, index): Generation => ({
    outcome: 'generated',
    candidate: `${index}`.repeat(32),
    text,
    tokens: 1,
    finish: 'stop',
  }));
  const failed: Generation = { outcome: 'failed', candidate: 'f'.repeat(32), reason: 'no server' };
  const planned = {
    unit: 'r1-train-s0000',
    split: 'train' as const,
    dataset: 'span',
    examples: [],
  };
  const judge = { name: 'em', axis: 'task' as const, type: 'exact-match' };
  const unit = judgeUnit(file, planned, judge, [
    { example, generations: [failed, ...generations] },
    { example: instruction, generations },
  ]);
  expect(unit?.items.map((item) => item.example.id)).toEqual([example.id]);
  expect(unit?.items[0]?.texts).toEqual([
    { id: textId(' Oslo'), text: ' Oslo' },
    { id: textId(' Rome'), text: ' Rome' },
  ]);
  expect(judgeUnit(file, planned, judge, [{ example, generations: [failed] }])).toBeUndefined();
});

test('a served name is an id that ends in the checkpoint, however long the run is called', () => {
  expect(servedName('demo', 'abcdef0123')).toBe('reset-demo-abcdef01');
  const name = servedName('r'.repeat(64), 'abcdef0123');
  expect(Id.safeParse(name).success).toBe(true);
  expect(name.endsWith('-abcdef01')).toBe(true);
});
