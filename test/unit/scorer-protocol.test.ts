import { PassThrough } from 'node:stream';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readLines } from '../../agents/judges/scorers/lines.ts';
import { decodeAnswer, questionOf } from '../../agents/judges/scorers/protocol.ts';
import { Outcome } from '../../shared/contract/work.ts';

test('a question has version, row and answer, with nothing missing where a row has nothing', () => {
  const row = { instruction: null, context: 'c', question: null, references: ['r'] };
  expect(questionOf(row, 'a')).toEqual({
    version: 1,
    row: { instruction: null, context: 'c', question: null, references: ['r'], constraints: [] },
    answer: 'a',
  });
});

test('an answer with a value in [0, 1] is scored, with its details', () => {
  for (const [text, value, details] of [
    ['{"value":0}', 0, {}],
    ['{"value":1,"details":{"why":"short"}}', 1, { why: 'short' }],
    [' {"value":0.25} \n', 0.25, {}],
    ['{"value":-0}', -0, {}],
  ] as const)
    expect(decodeAnswer(text).outcome, text).toEqual({ outcome: 'scored', value, details });
});

test('an answer may say which question it is for and who answers', () => {
  expect(decodeAnswer('{"id":7,"scorer":"tone@2","value":1}')).toMatchObject({
    id: 7,
    scorer: 'tone@2',
  });
  expect(decodeAnswer('{"value":1}')).toMatchObject({ id: null, scorer: null });
  expect(decodeAnswer('{"id":7,"value":2}')).toMatchObject({
    id: 7,
    outcome: { cause: 'malformed' },
  });
});

test('what the scorer leaves unscored is unscored with its reason and no cause of ours', () => {
  expect(decodeAnswer('{"unscored":"no context"}').outcome).toEqual({
    outcome: 'unscored',
    reason: 'no context',
  });
});

test('everything else is malformed, and the reason names what is wrong', () => {
  for (const [text, problem] of [
    ['', 'no JSON'],
    ['{"value":0.5', 'no JSON'],
    ['{"value":NaN}', 'no JSON'],
    ['Loading …', 'no JSON'],
    ['0.5', 'expected object'],
    ['[{"value":1}]', 'expected object'],
    ['null', 'expected object'],
    ['{}', 'give one of value and unscored'],
    ['{"value":0.5,"unscored":"both"}', 'give one of value and unscored'],
    ['{"value":1.0000001}', 'value: Too big'],
    ['{"value":-0.1}', 'value: Too small'],
    ['{"value":1e999}', 'value: Invalid input'],
    ['{"value":"0.5"}', 'value: Invalid input'],
    ['{"value":null}', 'value: Invalid input'],
    ['{"value":true}', 'value: Invalid input'],
    ['{"unscored":""}', 'unscored: Too small'],
    ['{"value":1,"details":[1]}', 'details: Invalid input'],
    ['{"value":1,"detials":{}}', 'unknown key "detials", the nearest known one is "details"'],
    ['{"value":1,"error":"out of memory"}', 'unknown key "error"'],
  ] as const) {
    const { outcome } = decodeAnswer(text);
    expect(outcome, text).toMatchObject({ outcome: 'unscored', cause: 'malformed' });
    expect(outcome.outcome === 'unscored' && outcome.reason, text).toContain(problem);
  }
});

test('long details and long reasons are cut, for the verdicts of a unit travel together', () => {
  const details = { why: 'x'.repeat(10_000) };
  expect(decodeAnswer(JSON.stringify({ value: 1, details })).outcome).toEqual({
    outcome: 'scored',
    value: 1,
    details: { leftOut: 'details of 10010 bytes: at most 2048 are kept' },
  });
  const { outcome } = decodeAnswer(JSON.stringify({ unscored: 'y'.repeat(10_000) }));
  expect(outcome.outcome === 'unscored' && outcome.reason).toBe(`${'y'.repeat(500)}…`);
});

test('decoding never throws, and every text gets an outcome that the contract knows', () => {
  const nearlyAnswers = fc.record(
    {
      id: fc.anything(),
      scorer: fc.anything(),
      value: fc.oneof(fc.double(), fc.anything()),
      unscored: fc.oneof(fc.string(), fc.anything()),
      details: fc.anything(),
    },
    { requiredKeys: [] },
  );
  const asText = (value: unknown): string => {
    try {
      return JSON.stringify(value) ?? 'undefined';
    } catch {
      return '{';
    }
  };
  const texts = fc.oneof(fc.string(), fc.json(), nearlyAnswers.map(asText));
  fc.assert(
    fc.property(texts, (text) => {
      const { outcome } = decodeAnswer(text);
      expect(Outcome.safeParse(outcome).success).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('lines come out whole however the stream is cut, and long ones once, cut', () => {
  const line = fc.stringMatching(/^[a-zä€😀]{0,12}$/u);
  fc.assert(
    fc.property(fc.array(line), fc.integer({ min: 1, max: 9 }), (lines, size) => {
      const told: [string, boolean][] = [];
      const stream = new PassThrough();
      readLines(stream, 10, (text, whole) => told.push([text, whole]));
      const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
      for (let at = 0; at < bytes.length; at += size)
        stream.emit('data', bytes.subarray(at, at + size));
      expect(told).toEqual(
        lines.map((text) => {
          const all = Buffer.from(text);
          return [all.subarray(0, 10).toString(), all.length <= 10];
        }),
      );
    }),
  );
});
