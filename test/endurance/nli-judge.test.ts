/** The judge `summac-zs` with a service behind it: as a peer on a bus, and offline through `score`. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { textId } from '../../shared/contract/ids.ts';
import type { JudgeResult, JudgeUnit } from '../../shared/contract/work.ts';
import { startNats } from '../support/nats.ts';
import { startNliService, tableNli } from '../support/nli-service.ts';
import { startPlanner } from '../support/planner.ts';
import { startRole } from '../support/role.ts';
import { makeExamples, makeRunFile } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);
const scoreProgram = fileURLToPath(new URL('../../agents/judges/score.js', import.meta.url));
const WITHIN = { timeout: 20_000, interval: 50 };

const file = makeRunFile({
  judges: [
    { name: 'em', axis: 'task', type: 'exact-match' },
    { name: 'nli', axis: 'faithfulness', type: 'summac-zs', nli: 'table' },
    { name: 'rules', axis: 'instruction', type: 'verifiable' },
  ],
});

function makeUnit(slice: number, texts: readonly string[]): JudgeUnit {
  const [, judge = { name: '', axis: 'task', type: '' }] = file.judges;
  return {
    kind: 'judge',
    run: file.run,
    unit: `r1-train-s000${slice}`,
    judge,
    items: makeExamples(2).map((example) => ({
      example,
      texts: texts.map((text) => ({ id: textId(text), text })),
    })),
  };
}

test('a peer with the profile judges by the service, and asks no pair again after a restart', async () => {
  await using folder = await temporaryFolder();
  await using nats = await startNats();
  await using planner = await startPlanner(nats.url, file);
  await using service = await startNliService();
  const profiles = join(folder.path, 'profiles.yaml');
  await writeFile(profiles, `nli: { table: { url: '${service.url}' } }`);
  const options = {
    natsUrl: nats.url,
    peer: 'judge-1',
    folder: folder.path,
    env: { RESET_PROFILES: profiles },
  };
  const [first, second] = ['Somebody lives in Oslo.', 'Nobody lives in Bergen.'];

  const before = await startRole('judge', options);
  await planner.offer(makeUnit(1, [first, second]));
  await expect.poll(() => planner.results.length, WITHIN).toBe(1);
  before.kill('SIGKILL');
  await before.exited;
  const asked = service.asked.flat().length;
  // Question and context are two premises for each of the two examples.
  expect(asked).toBe(8);

  await using _after = await startRole('judge', options);
  await planner.offer(makeUnit(2, [`${first} ${second}`]));
  await expect.poll(() => planner.results.length, WITHIN).toBe(2);
  expect(service.asked.flat()).toHaveLength(asked);
  const [, result] = planner.results as JudgeResult[];
  expect(result?.items[0]?.verdicts[0]?.answer).toMatchObject({
    outcome: 'scored',
    details: { nli: { model: 'tests/table', sha: 'abc' } },
  });
});

test('score takes the URL of a service, and gives the raw value', async () => {
  await using folder = await temporaryFolder();
  await using service = await startNliService();
  const rows = join(folder.path, 'rows.jsonl');
  const [context, answer] = ['The ferry left at noon. Fog came in.', 'The ferry left late.'];
  await writeFile(rows, JSON.stringify({ id: 1, context, references: null, answer }));
  const settings = [`nli=${service.url}`, 'granularity=paragraph', 'maxContextSentences=100'];
  const set = settings.flatMap((setting) => ['--set', setting]);
  const scored = await run('node', [scoreProgram, rows, '--judge', 'summac-zs', ...set]);
  const { ent, con } = tableNli([context, answer]);
  expect(JSON.parse(scored.stdout)).toMatchObject({
    outcome: 'scored',
    value: Math.max(0, ent - con),
    details: { raw: ent - con, nli: { model: 'tests/table' }, splitter: 'punkt-rules 1' },
  });
});

test('score says what is missing of a folder, and what of a service', async () => {
  await using folder = await temporaryFolder();
  await using service = await startNliService();
  const { url } = service;
  await service[Symbol.asyncDispose]();
  const rows = join(folder.path, 'rows.jsonl');
  const row = { context: 'The ferry left at noon.', references: null, answer: 'The ferry left.' };
  await writeFile(rows, JSON.stringify(row));
  for (const [nli, message] of [
    [folder.path, `score: cannot read ${join(folder.path, 'config.json')}`],
    [url, `score: cannot reach the NLI service ${url}`],
    ['vitc', 'score: unknown NLI profile "vitc": there are none here'],
  ] as const) {
    const args = [scoreProgram, rows, '--judge', 'summac-zs', '--set', `nli=${nli}`];
    await expect(run('node', args)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(message) as string,
    });
  }
});
