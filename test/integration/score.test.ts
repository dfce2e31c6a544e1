import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { goldenRows } from '../support/golden.ts';

const program = fileURLToPath(new URL('../../agents/judges/score.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'score-'));
const path = join(folder, 'rows.jsonl');
afterAll(() => rmSync(folder, { recursive: true }));

interface Line {
  id: string | number | null;
  judge: string;
  outcome: string;
  value: number | null;
  reason: string | null;
  details: Record<string, unknown> | null;
}

async function score(
  lines: readonly unknown[],
  ...args: string[]
): Promise<{ code: unknown; lines: Line[]; errors: string }> {
  const texts = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
  writeFileSync(path, texts.join('\n'));
  const child = spawn(process.execPath, [program, path, ...args]);
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[unknown]>,
  ]);
  const printed = output.split('\n').filter((line) => line.startsWith('{'));
  return { code, lines: printed.map((line) => JSON.parse(line) as Line), errors };
}

interface SquadRow {
  id: string;
  references: string[];
  prediction: string;
  em_v11: number | null;
  f1_v11: number | null;
  em_v20: number;
  f1_v20: number;
}

test('exact match and F1 of the golden rows come out in order, to the last bit', async (context) => {
  const rows = goldenRows<SquadRow>(context, 'golden/squad_em_f1.jsonl');
  const asked = rows.map(({ prediction, ...row }) => ({ ...row, answer: prediction }));

  const v11 = await score(asked, '--judge', 'squad-f1');
  expect(v11.code).toBe(0);
  expect(v11.lines).toEqual(
    rows.map(({ id, em_v11, f1_v11 }) =>
      em_v11 === null
        ? {
            id,
            judge: 'squad-f1',
            outcome: 'unscored',
            value: null,
            reason: 'the row has no reference',
            details: null,
          }
        : {
            id,
            judge: 'squad-f1',
            outcome: 'scored',
            value: f1_v11,
            reason: null,
            details: { em: em_v11, f1: f1_v11 },
          },
    ),
  );

  const v20 = await score(asked, '--judge', 'exact-match', '--set', 'version=v2.0');
  expect(v20.lines.map(({ value, details }) => [value, details])).toEqual(
    rows.map(({ em_v20, f1_v20 }) => [em_v20, { em: em_v20, f1: f1_v20 }]),
  );
});

interface SpanRow {
  id: string;
  context: string;
  answer: string;
  variants: Record<string, { span_substring: number }>;
  variants_agree: boolean;
}

test('span coverage of the agreed golden rows is that of every reading', async (context) => {
  const rows = goldenRows<SpanRow>(context, 'golden/span_coverage_advisory.jsonl').filter(
    (row) => row.variants_agree,
  );
  const { code, lines } = await score(rows, '--judge', 'span-coverage');
  expect(code).toBe(0);
  expect(lines.map(({ id, value }) => [id, value])).toEqual(
    rows.map(({ id, variants }) => [id, Object.values(variants)[0]?.span_substring]),
  );
});

test('a bad row is named by file and line, keeps its place, and the others are judged', async () => {
  const good = { id: 7, context: 'a red fox', question: null, references: null, answer: 'red' };
  const { code, lines, errors } = await score(
    [good, '{"id": 8', { ...good, answer: null }, '', { ...good, context: null }],
    '--judge',
    'span-coverage',
  );
  expect(code).toBe(2);
  expect(errors).toContain(`${path}:2: `);
  expect(errors).toContain(`${path}:3: answer: `);
  expect(lines.map(({ id, outcome, value }) => [id, outcome, value])).toEqual([
    [7, 'scored', 1],
    [null, 'unscored', null],
    [null, 'unscored', null],
    [7, 'unscored', null],
  ]);
  expect(lines[1]?.reason).toContain(`${path}:2: `);
  expect(lines[3]?.reason).toBe('the row has no context');
});

test('summaries are judged by their sentences and by their words', async () => {
  const row = {
    id: 1,
    context: 'The ferry left at noon. Fog came in.',
    references: ['The ferry left at noon.'],
    answer: 'The ferry left at noon. Everybody cheered loudly.',
  };
  const summac = await score([row], '--judge', 'summac-zs', '--set', 'use=ent');
  expect(summac.lines[0]).toMatchObject({
    value: 0.5,
    details: { raw: 0.5, perSentence: [1, 0] },
  });
  const rouge = await score([row], '--judge', 'rouge', '--set', 'stemmer=true');
  expect(rouge.lines[0]).toMatchObject({ details: { rougeL: [5 / 8, 1, 10 / 13] } });
});

interface RatingRow {
  id: string;
  judgment: string;
  rating: number | null;
}

test('stored judgments come out with the rating of FastChat, a value only where it is from 1 to 10', async (context) => {
  const rows = goldenRows<RatingRow>(context, 'golden/judge_rating.jsonl');
  const { code, lines } = await score(rows, '--judge', 'rating-parser', '--set', 'mode=reference');
  expect(code).toBe(0);
  expect(lines.map(({ id, value, details }) => [id, value, details])).toEqual(
    rows.map(({ id, rating }) => [
      id,
      rating !== null && rating >= 1 && rating <= 10 ? rating / 10 : null,
      { rating },
    ]),
  );
});

test('a judgment is read by its last verdict, and what has none is unscored with the reason', async () => {
  const rows = ['Not [[9]] but [[5.5]].', 'As [1] says.', '[[11]]'].map((judgment, id) => ({
    id,
    judgment,
  }));
  const { lines } = await score(rows, '--judge', 'rating-parser', '--set', 'scale=ninths');
  expect(lines.map(({ value, reason, details }) => [value, reason, details])).toEqual([
    [0.5, null, { rating: 5.5 }],
    [null, 'no verdict in double brackets was found', { rating: null }],
    [null, 'the rating "11" is no number from 1 to 10', { rating: null }],
  ]);
});

test('a row with both an answer and a judgment, or with neither, is refused', async () => {
  const { code, lines } = await score(
    [{ id: 1, answer: '[[10]]', judgment: '[[2]]' }, { id: 2 }],
    '--judge',
    'rating-parser',
  );
  expect(code).toBe(2);
  for (const [at, { reason }] of lines.entries())
    expect(reason).toBe(`${path}:${at + 1}: needs either an answer or a judgment`);
  expect(lines).toHaveLength(2);
});

test('constraints of a row are checked and named', async () => {
  const constraints = [
    { type: 'word_count', max: 2 },
    { type: 'required', words: ['red'] },
  ];
  const { lines } = await score(
    [{ id: 'x', constraints, answer: 'blue' }],
    '--judge',
    'verifiable',
  );
  expect(lines[0]).toMatchObject({ value: 0.5, details: { failed: ['required "red"'] } });
});

test('a wrong call ends with 1 and says what is right', async () => {
  const cases: [string[], string][] = [
    [['--judge', 'span-coverag'], 'the nearest known one is "span-coverage"'],
    [['--judge', 'exact-match', '--set', 'versio=v2.0'], 'the nearest known one is "version"'],
    [['--judge', 'exact-match', '--set', 'version'], 'write key=value'],
    [[], 'Usage: score'],
    [['extra', '--judge', 'exact-match'], 'Usage: score'],
  ];
  for (const [args, message] of cases) {
    const { code, errors } = await score([], ...args);
    expect(code, message).toBe(1);
    expect(errors).toContain(message);
  }
  expect(await score([], '--help')).toMatchObject({ code: 0, errors: '' });
});

test('a reader that stops early ends the program quietly', async () => {
  const row = { id: 1, references: ['x'], answer: 'x'.repeat(1000) };
  writeFileSync(path, Array<string>(5000).fill(JSON.stringify(row)).join('\n'));
  const child = spawn(process.execPath, [program, path, '--judge', 'exact-match']);
  const errors = text(child.stderr);
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [code] = (await once(child, 'close')) as [unknown];
  expect(code).toBe(0);
  expect(await errors).toBe('');
});
