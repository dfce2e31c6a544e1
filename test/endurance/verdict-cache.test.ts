import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createCache } from '../../agents/judges/cache.ts';
import { type Holdings } from '../../agents/judges/cache-holdings.ts';
import type { Completed } from '../../agents/judges/providers/provider.ts';
import { withReplies } from '../../agents/judges/providers/replies.ts';
import { verdictKey } from '../../shared/contract/ids.ts';
import type { Outcome } from '../../shared/contract/work.ts';
import { openStore } from '../../shared/store/level.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const [computed, asked] = ['1'.repeat(64), '2'.repeat(64)] as const;

const scored = (model?: string): Outcome => ({
  outcome: 'scored',
  value: 0.5,
  details: model === undefined ? {} : { calls: [{ raw: 'Rating: [[5]]', model }] },
});

const { signal } = new AbortController();
const usage = { promptTokens: 1, cachedTokens: 0, completionTokens: 1, usd: null };

function answeredBy(model: string): Completed {
  return model === 'none'
    ? { outcome: 'unanswered', cause: 'refusal', reason: 'no', text: null, usage }
    : { outcome: 'answered', text: 'Rating: [[5]]', model, systemFingerprint: null, usage };
}

/** The state folder of `judge-1`, which has three verdicts of one judge and two of another, and replies of two models and of none. */
async function withVerdicts() {
  const state = await temporaryFolder();
  const folder = join(state.path, 'judge-1', 'verdicts');
  const store = await openStore(folder);
  const key = (fingerprint: string, text: string) => verdictKey(fingerprint, 'a'.repeat(32), text);
  await createCache(store).remember(
    'run-a/r1-train-s0000',
    new Map([
      ...['Oslo', 'Paris', 'Rome'].map((text) => [key(computed, text), scored()] as const),
      [key(asked, 'Oslo'), scored('judge-a')],
      [key(asked, 'Paris'), scored('judge-b')],
    ]),
  );
  const provider = withReplies(
    {
      identity: () => Promise.resolve(null),
      chat: ({ model }) => Promise.resolve(answeredBy(model)),
    },
    store,
  );
  for (const model of ['judge-a', 'judge-c', 'none'])
    await provider.chat({ model, messages: [], temperature: 0, maxTokens: 1 }, signal);
  await store.close();
  return {
    folder,
    cache: (...args: string[]) => runCli('cache', ...args, '--state', state.path, '--json'),
    [Symbol.asyncDispose]: () => state[Symbol.asyncDispose](),
  };
}

const repliesOf = (output: string): unknown[] =>
  (JSON.parse(output) as Holdings).replies
    .map(({ model, replies }) => [model, replies])
    .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));

const countsOf = (output: string): unknown[] =>
  (JSON.parse(output) as Holdings).verdicts
    .map(({ fingerprint, verdicts, models }) => [fingerprint, verdicts, models])
    .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));

test('cache explain lists the verdicts by fingerprint, and prune leaves those that are named with the replies of their models', async () => {
  await using setup = await withVerdicts();
  const before = await setup.cache('explain');
  expect([before.code, before.errors]).toEqual([0, '']);
  const both = [
    [computed, 3, []],
    [asked, 2, ['judge-a', 'judge-b']],
  ];
  expect(countsOf(before.output)).toEqual(both);
  expect(repliesOf(before.output)).toEqual([
    ['judge-a', 1],
    ['judge-c', 1],
    [null, 1],
  ]);
  const pruned = await setup.cache('prune', '--keep', '222222');
  expect(countsOf(pruned.output)).toEqual([both[0]]);
  expect(repliesOf(pruned.output)).toEqual([
    ['judge-c', 1],
    [null, 1],
  ]);
  const after = await setup.cache('explain');
  expect(countsOf(after.output)).toEqual([both[1]]);
  expect(repliesOf(after.output)).toEqual([['judge-a', 1]]);
});

test('cache prune removes nothing where a fingerprint to keep is not there', async () => {
  await using setup = await withVerdicts();
  const { code, errors } = await setup.cache('prune', '--keep', '222222', '3333');
  expect([code, errors]).toEqual([1, expect.stringContaining('3333 is the beginning of no')]);
  expect(countsOf((await setup.cache('explain')).output)).toHaveLength(2);
});

test('cache explain says where there is no cache, and where its peer is running', async () => {
  await using setup = await withVerdicts();
  const missing = await setup.cache('explain', '--peer', 'judge-9');
  expect([missing.code, missing.errors]).toEqual([1, expect.stringContaining('judge-9')]);
  const open = await openStore(setup.folder);
  const locked = await setup.cache('explain');
  await open.close();
  expect([locked.code, locked.errors]).toEqual([1, expect.stringContaining('another process')]);
});
