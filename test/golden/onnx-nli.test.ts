/**
 * ONNX models answer here as in Python. The models are small, with random weights: what is tested is how texts become tokens, how they are cut,
 * padded and batched, and which logit is which, not what a real model thinks. Python's packages come from pip and Node's from npm, into a folder of
 * the test's own; where they cannot be had the test is skipped, under CI it fails.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, type TestContext } from 'vitest';
import type { NliModel, NliPair } from '../../agents/judges/nli/nli.ts';
import { createOnnxNli } from '../../agents/judges/nli/onnx.ts';
import { packages } from '../../agents/judges/nli/onnx-packages.ts';
import { PermanentError } from '../../shared/contract/failure.ts';

const run = promisify(execFile);
const program = fileURLToPath(
  new URL('../../../test/support/programs/onnx-models.py', import.meta.url),
);
const { signal } = new AbortController();

const words =
  'The old lighthouse keeper of Oslo counted seven ships before the storm came in from the north and closed its doors'.split(
    ' ',
  );
const sentence = (start: number, length: number): string =>
  Array.from({ length }, (_, at) => words[(start + at) % words.length]).join(' ');

/** Of all lengths below and above the models' limits, in no order of length; and texts that tokenizers stumble over. */
const pairs: NliPair[] = [
  ...Array.from({ length: 50 }, (_, at): NliPair => [
    sentence(at * 7, 2 + ((at * 5) % 70)),
    sentence(at * 3, 2 + (at % 9)),
  ]),
  [sentence(0, 900), 'Most of this premise is cut off.'],
  ['Die Größe des Cafés — naïve, isn’t it? "Yes!"', 'ÅNGSTRÖM e\u0301 é ﬁ ½ ①'],
  ['日本語の文章です。東京に住む。', '한국어 文 Ελληνικά עברית ไทย'],
  ['🦊👩‍🚀 emoji 🇳🇴 in a text', 'zero\u200bwidth, soft\u00adhyphen\tand\u00a0spaces  \r\n'],
  ["he's can't we'll 12,345.67 3.5% $9", '[SEP] </s> <pad> [CLS] are words of a text here'],
];

interface Expected {
  labels: string[];
  rows: { tokens: number; probabilities: number[] }[];
}

let root: string;
let missing: string | undefined;
let expected: Record<string, Expected>;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'onnx-nli-'));
  const python = join(root, 'venv/bin/python');
  const pip = ['-m', 'pip', 'install', '--quiet', 'numpy', 'onnx', 'onnxruntime', 'tokenizers'];
  const npm = ['install', '--prefix', root, '--ignore-scripts', '--no-audit', ...packages];
  try {
    await writeFile(join(root, 'package.json'), '{}');
    await Promise.all([
      run('python3', ['-m', 'venv', join(root, 'venv')]).then(async () => run(python, pip)),
      run('npm', npm),
    ]);
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error;
    missing = `no Python or no Node packages for ONNX: ${(error as Error).message.trim()}`;
    return;
  }
  await writeFile(join(root, 'pairs.json'), JSON.stringify(pairs));
  await run(python, [program, root]);
  expected = JSON.parse(await readFile(join(root, 'expected.json'), 'utf8')) as typeof expected;
}, 300_000);

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

/** The model of a folder, with the packages of this test. */
function open(context: TestContext, folder: string): NliModel {
  if (missing !== undefined) context.skip(missing);
  return createOnnxNli(join(root, folder), pathToFileURL(join(root, 'package.json')).href);
}

/** Python's probability of the label that has one of these names. */
function shareOf(name: string, row: number, meanings: readonly string[]): number {
  const { labels = [], rows = [] } = expected[name] ?? {};
  const place = labels.findIndex((label) => meanings.includes(label.toLowerCase()));
  return rows[row]?.probabilities[place] ?? Number.NaN;
}

test.for(['bert', 'roberta', 'albert', 'maskless'])(
  '%s gives each pair the probabilities that Python gives it',
  async (name, context) => {
    const model = open(context, name);
    const verdicts = await model.classify(pairs, signal);
    for (const [row, { ent, con }] of verdicts.entries()) {
      const where = `${name}, pair ${row}`;
      const theirs = [
        shareOf(name, row, ['entailment', 'supports']),
        shareOf(name, row, ['contradiction', 'refutes']),
      ];
      for (const [ours, their] of [ent, con].map((value, at) => [value, theirs[at]] as const))
        expect(Math.abs(ours - (their ?? Number.NaN)), where).toBeLessThan(1e-5);
    }
    // Neither the batch nor what it is padded to moves a value.
    const alone = await Promise.all(
      pairs.slice(0, 5).map((pair) => model.classify([pair], signal)),
    );
    for (const [row, { ent }] of alone.flat().entries())
      expect(Math.abs(ent - (verdicts[row]?.ent ?? Number.NaN))).toBeLessThan(1e-6);
  },
);

test('the golden pairs reach the limit of each model, which is in its identity', async (context) => {
  for (const [name, limit] of [
    ['bert', 96],
    ['roberta', 128],
    ['albert', 500],
  ] as const) {
    expect(await open(context, name).identity(signal)).toMatchObject({ maxTokens: limit });
    expect(Math.max(...(expected[name]?.rows ?? []).map(({ tokens }) => tokens))).toBe(limit);
  }
});

test('a hypothesis that is too long alone loses its end, and leaves half of the room to its premise', async (context) => {
  const model = open(context, 'bert');
  const long = sentence(0, 200);
  const [whole, otherEnd, otherBeginning, otherPremise, longPremise] = await model.classify(
    [
      ['Oslo counted ships', long],
      ['Oslo counted ships', `${long} ${sentence(9, 50)}`],
      ['Oslo counted ships', `doors ${long}`],
      ['Oslo counted doors', long],
      [sentence(5, 200), long],
    ],
    signal,
  );
  expect(otherEnd).toEqual(whole);
  expect(otherBeginning).not.toEqual(whole);
  expect(otherPremise).not.toEqual(whole);
  expect(longPremise?.ent).toBeGreaterThan(0);
});

test('the identity follows every file that moves a value, and not the folder', async (context) => {
  const identity = await open(context, 'bert').identity(signal);
  await cp(join(root, 'bert'), join(root, 'copy'), { recursive: true });
  expect(await open(context, 'copy').identity(signal)).toEqual(identity);
  const data = await readFile(join(root, 'copy/model.onnx_data'));
  data.writeFloatLE(1.5, 0);
  await writeFile(join(root, 'copy/model.onnx_data'), data);
  expect(await open(context, 'copy').identity(signal)).not.toEqual(identity);
});

test('who gives up is let go, and the model answers the next one', async (context) => {
  const model = open(context, 'albert');
  const giveUp = new AbortController();
  const many = Array.from({ length: 20 }, () => pairs).flat();
  const first = model.classify(many, giveUp.signal);
  giveUp.abort(new Error('shutting down'));
  await expect(first).rejects.toThrow('shutting down');
  expect(await model.classify(pairs, signal)).toHaveLength(pairs.length);
});

test('a model that cannot be opened is named with its reason', async (context) => {
  await cp(join(root, 'bert'), join(root, 'broken'), { recursive: true });
  await writeFile(join(root, 'broken/model.onnx'), 'no model');
  const broken = open(context, 'broken').identity(signal);
  await expect(broken).rejects.toBeInstanceOf(PermanentError);
  await expect(broken).rejects.toThrow(/model\.onnx/);

  await rm(join(root, 'broken/tokenizer.json'));
  await expect(open(context, 'broken').identity(signal)).rejects.toThrow(
    /cannot read .*broken\/tokenizer\.json/,
  );
});
