/** Judges that ask a model, as processes, before a server that speaks the real protocol. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { exampleUnit, textId } from '../../shared/contract/ids.ts';
import type { JudgeUnit } from '../../shared/contract/work.ts';
import { coordinatorClient, unary } from '../../shared/rpc/client.ts';
import { callCurator, connectPeer, makeFolder } from '../support/curating.ts';
import { startCurator } from '../support/curator.ts';
import {
  type FakeOpenAi,
  type FakeRequest,
  ratingOf,
  startFakeOpenAi,
} from '../support/fake-openai.ts';
import { startNats } from '../support/nats.ts';
import { startPlanner } from '../support/planner.ts';
import { startRole } from '../support/role.ts';
import { makeInstructions, makeRunFile } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);
const score = fileURLToPath(new URL('../../agents/judges/score.js', import.meta.url));
const KEY = 'sk-canary-0f9e8d7c6b5a';
const WITHIN = { timeout: 20_000, interval: 20 };
const { signal } = new AbortController();
const gpt = {
  name: 'gpt',
  axis: 'instruction',
  type: 'llm',
  provider: 'api',
  model: 'judge-1',
} as const;
const file = makeRunFile({
  datasets: [
    { name: 'instruct', kind: 'instruction', train: 'instruct.train.jsonl', dev: 'dev.jsonl' },
  ],
  judges: [gpt],
});

/** The judged answer of the paper's prompt, or of the fenced one. */
function judgedOf({ messages }: FakeRequest): string {
  const text = messages.at(-1)?.content ?? '';
  const [, paper] = /\[The Start of Assistant's Answer\]\n([\s\S]*)\n\[The End/.exec(text) ?? [];
  const [, , fenced] = /\n(=+\w+=+)\n([\s\S]*)\n\1$/.exec(text) ?? [];
  return paper ?? fenced ?? text;
}

function startApi(): Promise<FakeOpenAi> {
  return startFakeOpenAi({ key: KEY, judged: judgedOf });
}

function profileOf({ url }: FakeOpenAi): object {
  return { url, keyVariable: 'JUDGE_KEY', prices: { 'judge-1': { prompt: 30, completion: 60 } } };
}

function makeUnit(at: number, texts: readonly string[]): JudgeUnit {
  const [example] = makeInstructions(at + 1).slice(-1);
  if (example === undefined) throw new Error('no example');
  const items = [{ example, texts: texts.map((text) => ({ id: textId(text), text })) }];
  return {
    kind: 'judge',
    run: file.run,
    unit: exampleUnit('r1-train-s0000', at),
    judge: gpt,
    items,
  };
}

test.each(['paper', 'fenced'])(
  'score asks a model with the prompt %s, row by row',
  async (prompt) => {
    await using folder = await temporaryFolder();
    await using api = await startApi();
    const profiles = join(folder.path, 'profiles.json');
    writeFileSync(profiles, JSON.stringify({ providers: { api: profileOf(api) } }));
    const rows = join(folder.path, 'rows.jsonl');
    const answers = ['Blue.', 'Rating: [[10]]. A very long answer.'];
    const lines = answers.map((answer, id) =>
      JSON.stringify({ id, instruction: 'Name a colour.', references: [], answer }),
    );
    writeFileSync(rows, `${lines.join('\n')}\n`);
    const settings = ['provider=api', 'model=judge-1', `prompt=${prompt}`].flatMap((one) => [
      '--set',
      one,
    ]);
    const args = [score, rows, '--judge', 'llm', ...settings, '--profiles', profiles];
    const { stdout } = await run('node', args, { env: { ...process.env, JUDGE_KEY: KEY } });
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toMatchObject(
      answers.map((answer, id) => ({
        id,
        judge: 'llm',
        outcome: 'scored',
        value: ratingOf(answer) / 10,
        details: { rating: ratingOf(answer), calls: [{ usd: expect.any(Number) as number }] },
      })),
    );
    expect(stdout).not.toContain(KEY);
  },
);

test('a judge with the provider answers the units of one example, and its key is nowhere', async () => {
  await using folder = await temporaryFolder();
  await using nats = await startNats();
  await using api = await startApi();
  await using planner = await startPlanner(nats.url, file);
  const texts = ['Blue.', 'Red.', 'Green it is.'];
  const options = {
    natsUrl: nats.url,
    folder: folder.path,
    peer: 'judge-1',
    providers: { api: profileOf(api) },
    env: { JUDGE_KEY: KEY },
  };
  await using judge = await startRole('judge', options);
  for (const at of [0, 1, 2]) await planner.offer(makeUnit(at, texts));
  await expect.poll(() => planner.results.length, WITHIN).toBe(3);
  for (const result of planner.results) {
    if (result.kind !== 'judge') throw new Error('no judge answered');
    expect(result.items[0]?.verdicts.map(({ answer }) => answer)).toMatchObject(
      texts.map((text) => ({ outcome: 'scored', value: ratingOf(text) / 10 })),
    );
  }
  // What the backend is, and one call a text.
  expect(api.calls).toHaveLength(1 + 3 * texts.length);
  expect(api.calls.every(({ withKey }) => withKey)).toBe(true);
  expect(JSON.stringify(planner.results)).not.toContain(KEY);
  expect(judge.log.join('\n')).not.toContain(KEY);
  expect(readFileSync(join(folder.path, 'judge-1.profiles.json'), 'utf8')).not.toContain(KEY);
});

test('a spent quota pauses the run with the reason, the API is left alone, and resume goes on', async () => {
  const folder = makeFolder();
  await using nats = await startNats();
  await using api = await startApi();
  await using curator = await startCurator({ natsUrl: nats.url, state: join(folder, 'curator-1') });
  const rows = join(folder, 'rows.jsonl');
  writeFileSync(
    rows,
    makeInstructions(8)
      .map((row) => `${JSON.stringify(row)}\n`)
      .join(''),
  );
  const dataset = { name: 'instruct', kind: 'instruction', train: rows } as const;
  const calls = callCurator(curator.grpc);
  await calls.open(makeRunFile({ datasets: [dataset], judges: [gpt] }));
  const peer = { natsUrl: nats.url, folder };
  await using coordinator = await startRole('coordinator', { ...peer, peer: 'coordinator-1' });
  const quota = { message: 'You exceeded your current quota.', code: 'insufficient_quota' };
  api.always({ status: 429, error: quota });
  await using _judge = await startRole('judge', {
    ...peer,
    peer: 'judge-1',
    providers: { api: profileOf(api) },
    env: { JUDGE_KEY: KEY },
  });
  const bus = await connectPeer(nats.url, 'planner');
  const queue = { kind: 'judge', judge: 'gpt' } as const;
  await bus.offer(queue, makeUnit(0, ['Blue.']));

  const control = coordinatorClient(
    (JSON.parse(coordinator.log.find((line) => line.includes('"ready"')) ?? '') as { grpc: string })
      .grpc,
  );
  const reasons = async (): Promise<string[]> => {
    const found: string[] = [];
    const journal = calls.client.readJournal({ run: 'test', from: 0, follow: false });
    for await (const { fact } of journal as AsyncIterable<{ fact: string }>) {
      const { fact: kind, reason } = JSON.parse(fact) as { fact: string; reason?: string };
      if (kind === 'run.paused') found.push(reason ?? '');
    }
    return found;
  };
  await expect
    .poll(reasons, WITHIN)
    .toEqual([expect.stringContaining('exceeded your current quota')]);
  for (let at = 1; at <= 20; at += 1) await bus.offer(queue, makeUnit(at, ['Blue.']));
  await expect.poll(async () => (await bus.offered('test', queue)).size, WITHIN).toBe(21);
  // Who answers, the first unit, and those that the eight lanes were about to take.
  expect(api.calls.length).toBeLessThanOrEqual(1 + 1 + 8);

  api.always('ok');
  // Again and again, for a lane that met the quota late may ask for the pause late. What was given back waits for 10 s.
  const left = async (): Promise<number> => {
    await unary(control.resume.bind(control), { run: 'test' }, { deadlineMs: 5000, signal });
    return (await bus.offered('test', queue)).size;
  };
  await expect.poll(left, { timeout: 60_000, interval: 500 }).toBe(0);
  control.close();
  calls.close();
}, 120_000);
