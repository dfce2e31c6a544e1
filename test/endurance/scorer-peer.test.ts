import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { textId } from '../../shared/contract/ids.ts';
import type { JudgeUnit } from '../../shared/contract/work.ts';
import { isAlive } from '../support/alive.ts';
import { startNats } from '../support/nats.ts';
import { startPlanner } from '../support/planner.ts';
import { startRole } from '../support/role.ts';
import { makeExamples, makeRunFile } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const program = fileURLToPath(new URL('../support/programs/scorer.js', import.meta.url));
const spec = { name: 'tone', axis: 'instruction' as const, type: 'command', scorer: 'mine' };
const file = makeRunFile({ judges: [spec] });
const WITHIN = { timeout: 20_000, interval: 50 };

function makeUnit(texts: readonly string[]): JudgeUnit {
  return {
    kind: 'judge',
    run: file.run,
    unit: `r1-train-s0001`,
    judge: spec,
    items: makeExamples(1, { context: 'context' }).map((example) => ({
      example,
      texts: texts.map((text) => ({ id: textId(text), text })),
    })),
  };
}

/** A judge peer whose profile has the program as `mine`; the profile is all that says what runs. */
async function start() {
  const folder = await temporaryFolder();
  const nats = await startNats();
  const planner = await startPlanner(nats.url, file);
  const pids = join(folder.path, 'pids');
  const profiles = join(folder.path, 'profiles.json');
  const command = [process.execPath, program, 'plain', pids];
  await writeFile(profiles, JSON.stringify({ scorers: { mine: { command } } }));
  const env = { RESET_PROFILES: profiles };
  const judge = await startRole('judge', {
    natsUrl: nats.url,
    folder: folder.path,
    peer: 'judge-1',
    env,
  });
  return {
    planner,
    judge,
    pids: async () => (await readFile(pids, 'utf8')).trim().split('\n'),
    [Symbol.asyncDispose]: async () => {
      await judge[Symbol.asyncDispose]();
      await planner[Symbol.asyncDispose]();
      await nats[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test('a run file names a scorer, a peer that has it judges by it, and its program is gone after kill -9', async () => {
  await using setup = await start();
  await setup.planner.offer(makeUnit(['good', 'dies', 'fine']));
  await expect.poll(() => setup.planner.results.length, WITHIN).toBe(1);
  const verdicts = [
    { answer: { outcome: 'scored', value: 1 } },
    { answer: { outcome: 'unscored', cause: 'provider-error' } },
    { answer: { outcome: 'scored', value: 1 } },
  ];
  expect(setup.planner.results).toMatchObject([{ judge: 'tone', items: [{ verdicts }] }]);
  expect(setup.judge.log.some((line) => line.includes('asked about fine'))).toBe(true);
  const [last = ''] = (await setup.pids()).slice(-1);
  expect(isAlive(last)).toBe(true);
  setup.judge.kill('SIGKILL');
  await expect.poll(() => isAlive(last), WITHIN).toBe(false);
});

test('SIGTERM ends the peer with exit code 0, and its program with it', async () => {
  await using setup = await start();
  await setup.planner.offer(makeUnit(['good']));
  await expect.poll(() => setup.planner.results.length, WITHIN).toBe(1);
  const [pid = ''] = await setup.pids();
  setup.judge.kill('SIGTERM');
  expect(await setup.judge.exited).toBe(0);
  expect(isAlive(pid)).toBe(false);
});

test('SIGTERM ends a program that hangs, too', async () => {
  await using setup = await start();
  await setup.planner.offer(makeUnit(['hangs']));
  const asked = () => setup.judge.log.some((line) => line.includes('asked about hangs'));
  await expect.poll(asked, WITHIN).toBe(true);
  const [pid = ''] = await setup.pids();
  setup.judge.kill('SIGTERM');
  await setup.judge.exited;
  await expect.poll(() => isAlive(pid), WITHIN).toBe(false);
});
