/** Judges whose model answers by batch files, through a Batch API that speaks the real protocol or in a folder. */
import { fork } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { createEngines } from '../../agents/judges/engines.ts';
import { StopError } from '../../agents/judges/stop.ts';
import { createJudge } from '../../agents/judges/types/table.ts';
import { Profiles } from '../../shared/contract/peer.ts';
import type { Outcome } from '../../shared/contract/work.ts';
import { startBatchedPeer } from '../support/batched-peer.ts';
import type { BatchTrouble } from '../support/fake-batches.ts';
import {
  type FakeOpenAi,
  type FakeOpenAiOptions,
  type FakeRequest,
  ratingOf,
  startFakeOpenAi,
} from '../support/fake-openai.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const gpt = { name: 'gpt', axis: 'instruction', provider: 'api', model: 'judge-1' } as const;
const llm = { ...gpt, type: 'llm' } as const;
const texts = Array.from({ length: 8 }, (_, i) => `Answer ${i}.`);

/** The judged answer of the paper's prompt, or of the fenced one. */
function judged({ messages }: FakeRequest): string {
  const text = messages.at(-1)?.content ?? '';
  const [, paper] = /\[The Start of Assistant's Answer\]\n([\s\S]*)\n\[The End/.exec(text) ?? [];
  const [, , fenced] = /\n(=+\w+=+)\n([\s\S]*)\n\1$/.exec(text) ?? [];
  return paper ?? fenced ?? text;
}

async function startApi(options: FakeOpenAiOptions = {}): Promise<FakeOpenAi> {
  const api = await startFakeOpenAi({ judged, ...options });
  onTestFinished(() => api[Symbol.asyncDispose]());
  return api;
}

const valuesOf = (outcomes: readonly Outcome[]): unknown[] =>
  outcomes.map((one) => (one.outcome === 'scored' ? one.value : (one.cause ?? one.reason)));
const expected = texts.map((text) => ratingOf(text) / 10);
const sizesOf = ({ batching }: FakeOpenAi): number[] =>
  batching.batches.map(({ requests }) => requests.length);

test.each(['paper', 'fenced'])(
  'all texts go out in one batch by the prompt %s, and each gets its own answer, in whatever order they come',
  async (prompt) => {
    const api = await startApi();
    const peer = await startBatchedPeer(api.url);
    const outcomes = await peer.judge({ ...llm, prompt }, texts);
    expect(valuesOf(outcomes)).toEqual(expected);
    for (const { details } of outcomes)
      expect(details).toMatchObject({
        calls: [
          {
            model: 'judge-1',
            systemFingerprint: 'fp_fake',
            completionTokens: 5,
            usd: expect.any(Number) as number,
          },
        ],
      });
    expect(sizesOf(api)).toEqual([texts.length]);
    expect(api.calls).toEqual([]);
  },
);

test('both orders of a pair are in one batch', async () => {
  const api = await startApi({ write: () => '[[C]]' });
  const peer = await startBatchedPeer(api.url);
  expect(valuesOf(await peer.judge({ ...gpt, type: 'pairwise' }, texts))).toEqual(
    texts.map(() => 0.5),
  );
  expect(sizesOf(api)).toEqual([2 * texts.length]);
});

test('what an expired batch left out goes into another one, and nothing else', async () => {
  const api = await startApi();
  api.batching.plan({ status: 'expired', answered: 3 }, { status: 'expired', answered: 0 });
  const peer = await startBatchedPeer(api.url);
  expect(valuesOf(await peer.judge(llm, texts))).toEqual(expected);
  expect(sizesOf(api)).toEqual([8, 5, 5]);
});

test('a line of the error file is what the same answer would be by itself', async () => {
  let isBusy = true;
  const api = await startApi({
    inBatch: (request) => {
      if (judged(request) === texts[1])
        return { status: 400, body: { error: { message: 'no', code: 'content_filter' } } };
      if (judged(request) !== texts[2] || !isBusy) return undefined;
      isBusy = false;
      return { status: 503, body: { error: { message: 'busy' } } };
    },
  });
  const peer = await startBatchedPeer(api.url);
  expect(valuesOf(await peer.judge(llm, texts))).toEqual(expected.with(1, 'filtered' as never));
  expect(sizesOf(api)).toEqual([8, 1]);
});

test('a server that knows no schema gets its requests once more without one', async () => {
  const error = { message: "'response_format' is not supported" };
  const api = await startApi({ noSchema: { status: 400, error } });
  const peer = await startBatchedPeer(api.url);
  const spec = { ...llm, prompt: 'fenced' } as const;
  expect(valuesOf(await peer.judge(spec, texts))).toEqual(texts.map(() => 'malformed'));
  expect(sizesOf(api)).toEqual([8, 8]);
});

test.each<[string, BatchTrouble[]]>([
  ['refused for its rate', [429, 429]],
  ['answered by an error of the server', [500]],
  ['created, but its answer is lost', ['lost']],
])('a submission that is %s ends in one batch', async (_, troubles) => {
  const api = await startApi();
  api.batching.trouble(...troubles);
  const peer = await startBatchedPeer(api.url);
  expect(valuesOf(await peer.judge(llm, texts))).toEqual(expected);
  expect(sizesOf(api)).toEqual([8]);
});

test('a result file that breaks off, or comes without its end, is fetched again', async () => {
  const api = await startApi();
  api.batching.plan({ cuts: 2 }, { short: 1 });
  const peer = await startBatchedPeer(api.url);
  expect(valuesOf(await peer.judge(llm, texts.slice(0, 4)))).toEqual(expected.slice(0, 4));
  expect(valuesOf(await peer.judge(llm, texts.slice(4)))).toEqual(expected.slice(4));
  expect(sizesOf(api)).toEqual([4, 4]);
});

test.each([
  [{ status: 'failed', error: { code: 'model_not_found', message: 'no judge-1' } }, /correct the/],
  [{ status: 'failed', error: { code: 'invalid_json_line', message: 'line 3' } }, /line 3/],
  [{ status: 'cancelled', answered: 2 }, /was cancelled/],
] as const)('%j stops; what has no answer goes into another batch later', async (plan, reason) => {
  const api = await startApi();
  api.batching.plan(plan);
  const peer = await startBatchedPeer(api.url);
  const stopped = peer.judge(llm, texts);
  await expect(stopped).rejects.toThrow(StopError);
  await expect(stopped).rejects.toThrow(reason);
  expect(valuesOf(await peer.judge(llm, texts))).toEqual(expected);
  expect(sizesOf(api)).toEqual(plan.status === 'failed' ? [8, 8] : [8, 6]);
});

test('a server without a Batch API stops, with what to do', async () => {
  const api = await startApi();
  api.batching.trouble(404);
  const peer = await startBatchedPeer(api.url);
  await expect(peer.judge(llm, texts)).rejects.toThrow(/provider api: .*no Batch API/);
});

test.each(['and recorded', 'but not recorded'])(
  'a batch that was submitted %s when its judge died is found again, and its files go when its answers are kept',
  async (how) => {
    const api = await startApi();
    // Others of the account stand before it in the list.
    api.batching.plan({}, {}, {}, { held: true });
    const peer = await startBatchedPeer(api.url);
    for (const text of ['one', 'two', 'three']) await peer.judge(llm, [text]);
    const folder = join(peer.folder, 'batches', 'api');
    const dying = peer.judge(llm, texts);
    await expect.poll(() => peer.log.join('').split('submitted a batch').length).toBe(5);
    await Promise.all([expect(dying).rejects.toThrow('killed'), peer.restart()]);
    for (const file of readdirSync(folder))
      if (how === 'but not recorded' && file.endsWith('.submitted.json'))
        rmSync(join(folder, file));
    api.batching.release();
    expect(valuesOf(await peer.judge(llm, texts))).toEqual(expected);
    expect(sizesOf(api)).toEqual([1, 1, 1, 8]);
    // Answers that are kept are no batch's any more.
    await peer.restart();
    const again = await peer.judge({ ...llm, scale: 'ninths' }, texts, 'r2-train-s0000-e00');
    expect(again.every(({ outcome }) => outcome === 'scored')).toBe(true);
    expect(sizesOf(api)).toEqual([1, 1, 1, 8]);
    await peer.judge(llm, ['four']);
    expect(readdirSync(folder).filter((file) => file.endsWith('.requests.jsonl'))).toHaveLength(1);
  },
);

test('batches in a folder are worked by another program, its results read as they come', async () => {
  const { folder, peer } = await startFolder();
  const judging = peer.judge({ ...llm, prompt: 'fenced' }, texts);
  await expect.poll(() => requestsIn(folder)).toHaveLength(1);
  const [requests = ''] = requestsIn(folder);
  const lines = readFileSync(requests, 'utf8').trim().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject(
    texts.map(() => ({
      custom_id: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      method: 'POST',
      url: '/v1/chat/completions',
      body: { model: 'judge-1', temperature: 0, max_tokens: 512 },
    })),
  );
  const command = `vllm run-batch -i ${requests} -o ${requests.replace('requests', 'results')} --model judge-1`;
  await expect.poll(() => peer.log.join('')).toContain(command);
  await runBatch(command);
  expect(valuesOf(await judging)).toEqual(expected);
});

test('a folder that is worked while no judge runs is read by the next one', async () => {
  const { folder, peer } = await startFolder();
  const dying = peer.judge(llm, texts);
  await expect.poll(() => requestsIn(folder)).toHaveLength(1);
  await Promise.all([expect(dying).rejects.toThrow('killed'), peer.restart()]);
  const [requests = ''] = requestsIn(folder);
  await runBatch(`vllm run-batch -i ${requests} -o ${requests.replace('requests', 'results')}`);
  expect(valuesOf(await peer.judge(llm, texts))).toEqual(expected);
  // A batch that is taken away is asked in another one.
  const next = peer.judge(llm, ['later']);
  await expect.poll(() => requestsIn(folder).filter((file) => file !== requests)).toHaveLength(1);
  const [second = ''] = requestsIn(folder).filter((file) => file !== requests);
  rmSync(second);
  await expect
    .poll(() => requestsIn(folder).some((file) => ![requests, second].includes(file)))
    .toBe(true);
  const third = requestsIn(folder).find((file) => ![requests, second].includes(file)) ?? '';
  await runBatch(`vllm run-batch -i ${third} -o ${third.replace('requests', 'results')}`);
  expect(valuesOf(await next)).toEqual([ratingOf('later') / 10]);
  expect(existsSync(requests)).toBe(false);
});

test('where nobody waits for batches, as with a file of rows, their provider is refused', async () => {
  const providers = { api: { url: 'http://127.0.0.1:9/v1', batch: {}, free: true } };
  await using engines = createEngines(Profiles.parse({ providers }));
  const { name: _, axis: __, type, ...options } = llm;
  expect(() => createJudge(type, options, engines)).toThrow(/take batch out of its profile/);
});

test('a profile needs a url, or a folder for its batches', () => {
  const parse = (api: object) => Profiles.safeParse({ providers: { api } });
  expect(parse({ free: true }).error?.message).toContain('needs a url, or a batch with a folder');
  expect(parse({ batch: {}, free: true }).success).toBe(false);
  expect(parse({ batch: { folder: 'out' }, free: true }).success).toBe(true);
});

async function startFolder() {
  const { path: folder, ...temporary } = await temporaryFolder();
  onTestFinished(() => temporary[Symbol.asyncDispose]());
  return { folder, peer: await startBatchedPeer(undefined, { folder }) };
}

function requestsIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => /^\w+\.requests\.jsonl$/.test(file))
    .map((file) => join(folder, file));
}

/** Works a file as `vllm run-batch` would, by its command line. */
async function runBatch(command: string): Promise<void> {
  const [, , ...args] = command.split(' ');
  const program = fileURLToPath(new URL('../support/programs/run-batch.js', import.meta.url));
  const child = fork(program, args, { execArgv: [] });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  expect(code).toBe(0);
}
