import { expect, test } from 'vitest';
import { merge, type Merged } from '../../agents/curator/ledger/merge.ts';
import type { StoredSample, StoredVerdicts } from '../../agents/curator/ledger/tables.ts';
import { assess, textsOf } from '../../agents/curator/step/unit.ts';
import { sliceOf, textId } from '../../shared/contract/ids.ts';
import type { JudgeSpec } from '../../shared/contract/run-file.ts';
import { makeRunFile } from '../support/run.ts';
import type { Generation } from '../../shared/contract/work.ts';

interface Outcome {
  key: string;
  value: number | null;
}

const kind = {
  keyOf: ({ key }: Outcome) => key,
  isFinal: ({ value }: Outcome) => value !== null,
};
const planned = [
  { example: 'one', keys: ['a', 'b'] },
  { example: 'two', keys: ['a'] },
];

function answer(one: Outcome[], two: Outcome[]): { example: string; outcomes: Outcome[] }[] {
  return [
    { example: 'one', outcomes: one },
    { example: 'two', outcomes: two },
  ];
}

function itemsOf(merged: Merged<Outcome>): unknown {
  if (merged.refused !== undefined) throw new Error(merged.refused);
  return merged.items;
}

const [a1, b1, a2] = [
  { key: 'a', value: 1 },
  { key: 'b', value: 2 },
  { key: 'a', value: 3 },
];

test('a whole answer is kept in the order of the plan, whatever its own', () => {
  const merged = merge(planned, [], answer([b1, a1], [a2]).reverse(), kind);
  expect(itemsOf(merged)).toEqual(answer([a1, b1], [a2]));
});

test('an answer that leaves out, repeats or invents an item is refused', () => {
  expect(merge(planned, [], answer([a1], [a2]), kind).refused).toBe('one/b has no outcome');
  expect(merge(planned, [], answer([a1, b1, b1], [a2]), kind).refused).toBe(
    'one/b is answered twice',
  );
  expect(merge(planned, [], answer([a1, b1], [a2, b1]), kind).refused).toBe('two/b is not planned');
});

test('the first final outcome stays, one that is not final is superseded', () => {
  const open = { key: 'b', value: null };
  const stored = answer([a1, open], [a2]);
  const late = answer([{ key: 'a', value: 9 }, b1], [{ key: 'a', value: 9 }]);
  const merged = merge(planned, stored, late, kind);
  expect(itemsOf(merged)).toEqual(answer([a1, b1], [a2]));
  expect(merged).toMatchObject({ entered: [b1] });
});

test('an answer to a part that was asked again is taken when it leaves no gap', () => {
  const stored = answer([a1, { key: 'b', value: null }], [a2]);
  const part = [{ example: 'one', outcomes: [b1] }];
  expect(itemsOf(merge(planned, stored, part, kind))).toEqual(answer([a1, b1], [a2]));
  expect(merge(planned, [], part, kind).refused).toBe('one/a has no outcome');
});

const example = 'e'.repeat(32);
const unit = {
  unit: 'r1-train-s0000',
  split: 'train' as const,
  dataset: 'span',
  examples: [example],
};

function sampled(texts: readonly (string | null)[], attempt = 0): StoredSample {
  const generations = texts.map((text, index): Generation => {
    const candidate = String(index).repeat(32);
    return text === null
      ? { outcome: 'failed', candidate, reason: 'no memory' }
      : { outcome: 'generated', candidate, text, tokens: 1, finish: 'stop' };
  });
  return { attempt, items: [{ example, generations }] };
}

function judged(values: Record<string, number | null>, attempt = 0): StoredVerdicts {
  const verdicts = Object.entries(values).map(([text, value]) => ({
    text: textId(text),
    fingerprint: 'f'.repeat(64),
    answer:
      value === null
        ? { outcome: 'unscored' as const, reason: 'outage' }
        : { outcome: 'scored' as const, value, details: {} },
  }));
  return { attempt, items: [{ example, verdicts }] };
}

const { select } = makeRunFile();
const em: JudgeSpec = { name: 'em', axis: 'task', type: 'exact-match' };

function statesOf(
  sample: StoredSample | undefined,
  verdicts: StoredVerdicts | undefined,
  attempt = 0,
): Record<string, string> {
  const stored = new Map(verdicts === undefined ? [] : [['em', [verdicts]] as const]);
  const states = assess(
    { planned: unit, sample, verdicts: stored },
    { judges: [em], select, attempt },
  );
  return Object.fromEntries(states.map(({ queue, state }) => [queue, state]));
}

test('a judge with an API behind it gets a unit for each example, and each is answered by itself', () => {
  const examples = ['a', 'b', 'c'].map((letter) => letter.repeat(32));
  const gpt: JudgeSpec = { name: 'gpt', axis: 'instruction', type: 'llm', provider: 'openai' };
  const generations = sampled(['x', 'y']).items[0]?.generations ?? [];
  const failed = sampled([null]).items[0]?.generations ?? [];
  const items = examples.map((one, at) => ({
    example: one,
    generations: at === 2 ? failed : generations,
  }));
  const planned = { ...unit, examples };
  const row = judged({ x: 1, y: 0.5 }).items[0];
  const answered = {
    attempt: 0,
    items: [{ example: examples[1] ?? '', verdicts: row?.verdicts ?? [] }],
  };
  const records = {
    planned,
    sample: { attempt: 0, items },
    verdicts: new Map([['gpt', [answered]]]),
  };
  expect(assess(records, { judges: [gpt, em], select, attempt: 0 })).toEqual([
    { queue: 'sample', unit: 'r1-train-s0000', state: 'answered' },
    { queue: 'gpt', unit: 'r1-train-s0000-e00', state: 'open' },
    { queue: 'gpt', unit: 'r1-train-s0000-e01', state: 'answered' },
    { queue: 'gpt', unit: 'r1-train-s0000-e02', state: 'answered' },
    { queue: 'em', unit: 'r1-train-s0000', state: 'open' },
  ]);
  expect(sliceOf('r1-train-s0000-e02')).toEqual({ slice: 'r1-train-s0000', at: 2 });
  expect(sliceOf('r1-train-s0000')).toEqual({ slice: 'r1-train-s0000', at: null });
});

test('judges get a unit when it is sampled, each distinct text once', () => {
  expect(statesOf(undefined, undefined)).toEqual({ sample: 'open', em: 'waiting' });
  expect(statesOf(sampled(['x', 'y', 'x']), undefined)).toEqual({ sample: 'answered', em: 'open' });
  expect(textsOf(sampled(['x', 'y', 'x']))).toEqual([
    { example, keys: [textId('x'), textId('y')] },
  ]);
});

test('a unit without a single text needs no judge', () => {
  expect(statesOf(sampled([null, null]), undefined)).toEqual({
    sample: 'answered',
    em: 'answered',
  });
});

test('a higher attempt opens exactly what is not final', () => {
  const [whole, gap] = [sampled(['x', 'y']), sampled(['x', null])];
  const verdicts = judged({ x: 1, y: null });
  expect(statesOf(whole, verdicts)).toEqual({ sample: 'answered', em: 'answered' });
  expect(statesOf(whole, verdicts, 1)).toEqual({ sample: 'answered', em: 'open' });
  expect(statesOf(whole, judged({ x: 1, y: null }, 1), 1)).toMatchObject({ em: 'answered' });
  expect(statesOf(gap, judged({ x: 1 }), 1)).toEqual({ sample: 'open', em: 'waiting' });
  expect(statesOf(sampled(['x', 'z'], 1), judged({ x: 1 }), 1)).toMatchObject({ em: 'open' });
});
