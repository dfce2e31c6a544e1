import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  countCandidates,
  type ScoredCandidate,
  scoreCandidates,
} from '../../agents/curator/selection/score.ts';
import { selectCandidate, type Selection } from '../../agents/curator/selection/select.ts';
import { textId } from '../../shared/contract/ids.ts';
import { Select } from '../../shared/contract/run-file.ts';
import type { Generation, Outcome, SampleRequest } from '../../shared/contract/work.ts';
import { makeRunFile } from '../support/run.ts';

const file = makeRunFile();
const draw = { seed: 1, round: 1, example: 'e' };
const scored = (value: number): Outcome => ({ outcome: 'scored', value, details: {} });
const unscored = (reason: string): Outcome => ({ outcome: 'unscored', reason });

/** A candidate `c<index>` with a text and a score; null for none. */
function candidate(index: number, text: string | null, score: number | null): ScoredCandidate {
  return {
    candidate: `c${index}`,
    cells: [`t0.${index}`],
    text,
    failure: text === null ? 'sampling: no answer' : null,
    verdicts: {},
    score,
    reason: score === null ? 'span: timed out' : null,
    certain: false,
    arithmetic: '',
  };
}

function select(
  candidates: readonly [text: string | null, score: number | null][],
  options: object = {},
  of = draw,
): Selection {
  const all = candidates.map(([text, score], index) => candidate(index, text, score));
  return selectCandidate(all, Select.parse(options), of);
}

function request(index: number): SampleRequest {
  return {
    candidate: `${index}`.repeat(32),
    cells: [`t0.${index}`],
    temperature: 0.1,
    topK: 0,
    seed: index,
  };
}

function generated(index: number, text: string): Generation {
  const { candidate } = request(index);
  return { outcome: 'generated', candidate, text, tokens: 1, finish: 'stop' };
}

test('two judges are joined by text, never by position (judges-x-reference)', () => {
  const texts = [' Oslo', ' Rome', ' Oslo', ' Bern'];
  const values = { em: [1, 0, 1, 0], span: [1, 1, 1, 0] };
  const verdicts = (judge: 'em' | 'span', order: readonly number[]): Map<string, Outcome> =>
    new Map(order.map((at) => [textId(texts[at] ?? ''), scored(values[judge][at] ?? 0)]));
  fc.assert(
    fc.property(
      fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
      fc.shuffledSubarray([0, 1, 3], { minLength: 3 }),
      fc.shuffledSubarray([0, 1, 3], { minLength: 3 }),
      (answered, em, span) => {
        const candidates = scoreCandidates(
          file,
          'extractive_qa',
          [0, 1, 2, 3].map(request),
          answered.map((at) => generated(at, texts[at] ?? '')),
          { em: verdicts('em', em), span: verdicts('span', span) },
        );
        expect(candidates.map(({ score }) => score)).toEqual([3, 2, 3, 0]);
      },
    ),
  );
});

test('a candidate without a text or a verdict has no score, and every planned one is counted once (partial-groups)', () => {
  const candidates = scoreCandidates(
    file,
    'extractive_qa',
    [0, 1, 2, 3, 4].map(request),
    [
      generated(0, 'a'),
      generated(1, 'b'),
      generated(2, 'c'),
      { outcome: 'failed', candidate: request(3).candidate, reason: 'HTTP 500' },
    ],
    {
      em: new Map([
        [textId('a'), scored(1)],
        [textId('b'), scored(1)],
        [textId('c'), unscored('timed out')],
      ]),
      span: new Map([
        [textId('a'), scored(1)],
        [textId('c'), scored(1)],
      ]),
    },
  );
  expect(countCandidates(candidates)).toEqual({
    planned: 5,
    scored: 1,
    certain: 0,
    unscored: {
      'span: no verdict': 1,
      'em: timed out': 1,
      'sampling: HTTP 500': 1,
      'sampling: no answer': 1,
    },
  });
  expect(candidates[0]?.arithmetic).toBe('1 * task 1 + 2 * faithfulness 1 = 3');
});

test('a judge of another kind of dataset is not needed', () => {
  const [one] = scoreCandidates(file, 'instruction', [request(0)], [generated(0, 'a')], {
    rules: new Map([[textId('a'), scored(0.5)]]),
  });
  expect(one).toMatchObject({ score: 1, verdicts: { rules: scored(0.5) } });
});

test('the best score wins, even when all are poor, with its margin', () => {
  const selection = select([
    ['a', 0.1],
    ['b', 0.4],
    ['c', 0.2],
  ]);
  expect(selection).toMatchObject({ candidate: 'c1', text: 'b', score: 0.4, margin: 0.2, tied: 1 });
  expect(selection.reason).toBe('t0.1: best score 0.4, 0.2 above the next text');
});

test('a tie goes to the first in grid order and is recorded', () => {
  const selection = select([
    ['a', 0],
    ['b', 1],
    ['c', 1],
  ]);
  expect(selection).toMatchObject({ candidate: 'c1', margin: 0, tied: 2 });
  expect(selection.reason).toBe('t0.1: best score 1, tied by 2 texts, taken by `first`');
});

test('equal texts are no tie, and the only text has no margin', () => {
  const selection = select([
    ['a', 1],
    ['a', 1],
    [null, null],
  ]);
  expect(selection).toMatchObject({ candidate: 'c0', margin: null, tied: 1 });
});

test('a tie by majority goes to the text of most candidates', () => {
  const rows: [string, number][] = [
    ['a', 1],
    ['b', 1],
    ['c', 1],
    ['b', 1],
    ['d', 0],
    ['d', 0],
    ['d', 0],
  ];
  expect(select(rows, { ties: 'majority' })).toMatchObject({ candidate: 'c1', text: 'b', tied: 3 });
});

test('a random tie is drawn by seed, round and example among texts, not candidates (tie-policy)', () => {
  const rows: [string, number][] = [
    ['a', 1],
    ['a', 1],
    ['a', 1],
    ['b', 1],
    ['c', 0],
  ];
  const texts = Array.from({ length: 400 }, (_, index) => {
    const of = { ...draw, example: `e${index}` };
    expect(select(rows, { ties: 'random' }, of)).toEqual(select(rows, { ties: 'random' }, of));
    return select(rows, { ties: 'random' }, of).text;
  });
  const ofA = texts.filter((text) => text === 'a').length;
  expect(texts).not.toContain('c');
  expect(ofA).toBeGreaterThan(150);
  expect(ofA).toBeLessThan(250);
});

test('minScore and minMargin exclude by name; a single text has no margin to fall below', () => {
  expect(select([['a', 0.4]], { minScore: 0.5 })).toMatchObject({
    candidate: null,
    excluded: 'below minScore',
    score: 0.4,
    reason: 'below minScore: 0.4 < 0.5',
  });
  const close: [string, number][] = [
    ['a', 0.5],
    ['b', 0.25],
  ];
  expect(select(close, { minMargin: 0.5 }).excluded).toBe('below minMargin');
  expect(select([['a', 0.4]], { minMargin: 0.5 }).candidate).toBe('c0');
});

test('an example without a full score and one with a blank answer are excluded', () => {
  expect(
    select([
      ['a', null],
      [null, null],
    ]),
  ).toMatchObject({
    excluded: 'no scored candidate',
    score: null,
    tied: 0,
    reason: 'none of 2 candidates has a full score',
  });
  expect(select([[' \n', 0]]).excluded).toBe('blank answer');
});

test('the control keeps a random scored candidate of exactly the examples that the best would keep', () => {
  const outcome = fc.tuple(
    fc.constantFrom('a', 'b', 'c', 'd'),
    fc.option(fc.constantFrom(0, 0.5, 1), { nil: null }),
  );
  const kept = new Set<string>();
  fc.assert(
    fc.property(fc.array(outcome, { minLength: 1, maxLength: 7 }), fc.string(), (rows, example) => {
      const of = { ...draw, example };
      const best = select(rows, { minScore: 0.5 }, of);
      const control = select(rows, { minScore: 0.5, policy: 'random' }, of);
      expect(control.excluded).toBe(best.excluded);
      if (control.candidate === null) return;
      const row = rows[Number(control.candidate.slice(1))];
      expect(row?.[1]).not.toBeNull();
      kept.add(control.candidate);
    }),
  );
  expect(kept.size).toBeGreaterThan(3);
});

test('whatever the options, a kept candidate has a full score and an excluded example names a rule', () => {
  const options = fc.record({
    policy: fc.constantFrom('best', 'random'),
    ties: fc.constantFrom('first', 'majority', 'random'),
    minScore: fc.option(fc.constantFrom(0, 0.5, 1), { nil: undefined }),
    minMargin: fc.option(fc.constantFrom(0, 0.5, 1), { nil: undefined }),
  });
  const outcome = fc.tuple(
    fc.constantFrom('a', 'b', ''),
    fc.option(fc.constantFrom(0, 0.5, 1), { nil: null }),
  );
  fc.assert(
    fc.property(fc.array(outcome, { maxLength: 7 }), options, (rows, changes) => {
      const { candidate, text, excluded, score, margin, tied } = select(rows, changes);
      expect((candidate === null) === (excluded !== null)).toBe(true);
      expect((text === null) === (candidate === null)).toBe(true);
      if (candidate !== null) expect(rows[Number(candidate.slice(1))]?.[1]).toBe(score);
      expect(tied === 0).toBe(score === null);
      if (tied > 1) expect(margin).toBe(0);
    }),
  );
});

test('without a weight on its axis all candidates of an instruction tie, and the first in grid order is kept', () => {
  const weightless = makeRunFile({ score: { instruction: 0, faithfulness: 0 } });
  const texts = ['one', 'two', 'three'];
  const candidates = scoreCandidates(
    weightless,
    'instruction',
    texts.map((_, index) => request(index)),
    texts.map((text, index) => generated(index, text)),
    {},
  );
  expect(candidates.map(({ score }) => score)).toEqual([0, 0, 0]);
  expect(selectCandidate(candidates, weightless.select, draw)).toMatchObject({
    text: 'one',
    tied: 3,
  });
});
