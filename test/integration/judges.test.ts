import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { textId } from '../../shared/contract/ids.ts';
import type { JudgeUnit, Verdict } from '../../shared/contract/work.ts';
import { startFakeOpenAi } from '../support/fake-openai.ts';
import { startNats } from '../support/nats.ts';
import { startPlanner } from '../support/planner.ts';
import { ACK_WAIT_MS, startRole } from '../support/role.ts';
import { makeExamples, makeRunFile } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const file = makeRunFile();
const spec = file.judges.find(({ name }) => name === 'em') ?? { name: '', axis: 'task', type: '' };
const WITHIN = { timeout: 20_000, interval: 50 };

function makeUnit(slice: number, texts: readonly string[] = ['Oslo', 'Paris']): JudgeUnit {
  return {
    kind: 'judge',
    run: file.run,
    unit: `r1-train-s000${slice}`,
    judge: spec,
    items: makeExamples(3).map((example) => ({
      example,
      texts: texts.map((text) => ({ id: textId(text), text })),
    })),
  };
}

/** A bus, a planner and a folder for the state of peers. */
async function start(run = file) {
  const folder = await temporaryFolder();
  const nats = await startNats();
  const planner = await startPlanner(nats.url, run);
  return {
    planner,
    peer: { natsUrl: nats.url, folder: folder.path },
    attempts: join(folder.path, 'attempts'),
    [Symbol.asyncDispose]: async () => {
      await planner[Symbol.asyncDispose]();
      await nats[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function countAttempts(folder: string, peer: string): Promise<number> {
  const text = await readFile(join(folder, `${peer}.jsonl`), 'utf8').catch(() => '');
  return text.split('\n').length - 1;
}

function verdictsOf(planner: { results: readonly unknown[] }): Verdict[] {
  const [result] = planner.results as { items: { verdicts: Verdict[] }[] }[];
  return result?.items.flatMap(({ verdicts }) => verdicts) ?? [];
}

/** What planted makes every process die that judges `text`. */
function killerOf(text: string): Record<string, string> {
  return { RESET_FAILPOINTS: `judge.text.${textId(text).slice(0, 8)}=kill` };
}

test('a unit by reference is read from its curator and judged', async () => {
  await using setup = await start();
  await using _judge = await startRole('judge', { ...setup.peer, peer: 'judge-1' });
  await setup.planner.offerByReference(makeUnit(1));
  await expect.poll(() => setup.planner.results.length, WITHIN).toBe(1);
  expect(verdictsOf(setup.planner)).toHaveLength(6);
  await expect.poll(() => setup.planner.offered(makeUnit(1)), WITHIN).toEqual([]);
});

test('a text that kills its judge is unscored at the third delivery, its neighbours are scored', async () => {
  await using setup = await start();
  const unit = makeUnit(1, ['Oslo', 'poison', 'Paris']);
  await setup.planner.offer(unit);
  const options = { ...setup.peer, peer: 'judge-1', env: killerOf('poison') };
  for (let death = 1; death <= 2; death += 1) {
    const victim = await startRole('judge', options);
    expect(await victim.exited).toBe(null);
  }
  await using _survivor = await startRole('judge', options);
  await expect.poll(() => setup.planner.results.length, WITHIN).toBe(1);
  for (const { text, answer } of verdictsOf(setup.planner))
    if (text === textId('poison'))
      expect(answer).toEqual({ outcome: 'unscored', reason: 'killed its process (SIGKILL)' });
    else expect(answer.outcome).toBe('scored');
});

test('a judge that was stopped for twice its ack wait answers late, and its unit counts as done', async () => {
  await using setup = await start();
  const env = { RESET_ATTEMPTS: setup.attempts };
  await using judge = await startRole('judge', { ...setup.peer, peer: 'judge-1', env });
  judge.kill('SIGSTOP');
  await setup.planner.offer(makeUnit(1));
  await new Promise((resolve) => setTimeout(resolve, 2 * ACK_WAIT_MS));
  judge.kill('SIGCONT');
  await expect.poll(() => setup.planner.offered(makeUnit(1)), WITHIN).toEqual([]);
  await expect.poll(() => setup.planner.results.length, WITHIN).toBeGreaterThan(0);
  expect(new Set(setup.planner.results.map((result) => JSON.stringify(result))).size).toBe(1);
});

test('a killed judge answers from its cache what it had paid for', async () => {
  const llm = {
    name: 'llm',
    axis: 'task',
    type: 'llm',
    provider: 'api',
    model: 'judge-1',
  } as const;
  await using setup = await start(makeRunFile({ judges: [llm, ...file.judges] }));
  await using api = await startFakeOpenAi();
  const peer = {
    ...setup.peer,
    peer: 'judge-1',
    providers: { api: { url: api.url, free: true } },
  };
  const dies = { RESET_FAILPOINTS: 'judge.answer.before=kill', RESET_ATTEMPTS: setup.attempts };
  await using victim = await startRole('judge', { ...peer, env: dies });
  await setup.planner.offer({ ...makeUnit(1), judge: llm });
  expect(await victim.exited).toBe(null);
  const asked = api.calls.length;
  expect(asked).toBeGreaterThan(0);
  await using _next = await startRole('judge', {
    ...peer,
    env: { RESET_ATTEMPTS: setup.attempts },
  });
  await expect.poll(() => setup.planner.results.length, WITHIN).toBe(1);
  expect(verdictsOf(setup.planner).every(({ answer }) => answer.outcome === 'scored')).toBe(true);
  expect(await countAttempts(setup.attempts, 'judge-1')).toBe(2);
  // Each process asks once who it is that answers.
  expect(api.calls).toHaveLength(asked + 1);
});

test('SIGTERM ends a judge with exit code 0, and no unit is delivered twice', async () => {
  await using setup = await start();
  const env = { RESET_ATTEMPTS: setup.attempts };
  await using first = await startRole('judge', { ...setup.peer, peer: 'judge-1', env });
  await using _second = await startRole('judge', { ...setup.peer, peer: 'judge-2', env });
  for (let slice = 1; slice <= 6; slice += 1) await setup.planner.offer(makeUnit(slice));
  await expect.poll(() => setup.planner.results.length, WITHIN).toBeGreaterThan(0);
  first.kill('SIGTERM');
  expect(await first.exited).toBe(0);
  await expect.poll(() => setup.planner.results.length, WITHIN).toBe(6);
  const attempts = await Promise.all(
    ['judge-1', 'judge-2'].map((peer) => countAttempts(setup.attempts, peer)),
  );
  expect((attempts[0] ?? 0) + (attempts[1] ?? 0)).toBe(6);
});
