import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { createCommandScorer } from '../../agents/judges/scorers/command.ts';
import type { JudgedRow } from '../../agents/judges/types/judge.ts';
import { PermanentError, TransientError } from '../../shared/contract/failure.ts';
import { isAlive } from '../support/alive.ts';
import { runCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const program = fileURLToPath(new URL('../support/programs/scorer.js', import.meta.url));
const example = fileURLToPath(new URL('../../../deploy/demo/scorers/length.mjs', import.meta.url));
const { signal } = new AbortController();
const row: JudgedRow = { instruction: null, context: 'context', question: null, references: [] };

/** A scorer of the program with one behaviour, and the pids of the processes that were started for it. */
async function start(behaviour = '', deadlineMs = 30_000) {
  const folder = await temporaryFolder();
  const pidFile = join(folder.path, 'pids');
  const said: string[] = [];
  const command = [process.execPath, program, behaviour, pidFile];
  const scorer = createCommandScorer({ command, variables: [], deadlineMs }, (line) =>
    said.push(line),
  );
  return {
    scorer,
    said,
    ask: (answer: string) => scorer.score(row, answer, signal),
    pids: async () =>
      (await readFile(pidFile, 'utf8').catch(() => '')).split('\n').filter((pid) => pid !== ''),
    [Symbol.asyncDispose]: async () => {
      await scorer.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const scored = (value: number) => ({ outcome: 'scored', value });
const malformed = (reason: string) => ({
  outcome: 'unscored',
  cause: 'malformed',
  reason: expect.stringContaining(reason) as string,
});

test('one process answers all questions, those asked at once too, and says who it is', async () => {
  await using setup = await start();
  expect(await setup.scorer.identity(signal)).toBe('test@1');
  const answers = await Promise.all(['a', 'b', 'c'].map((answer) => setup.ask(answer)));
  expect(answers).toMatchObject([scored(1), scored(1), scored(1)]);
  expect(await setup.ask('unscored')).toEqual({
    outcome: 'unscored',
    reason: 'it is about nothing',
  });
  expect(await setup.pids()).toHaveLength(1);
  await expect.poll(() => setup.said).toContain('asked about c');
});

test('a text that kills two processes is unscored, its neighbours are scored', async () => {
  await using setup = await start();
  expect(await setup.ask('a')).toMatchObject(scored(1));
  expect(await setup.ask('dies')).toEqual({
    outcome: 'unscored',
    cause: 'provider-error',
    reason: 'killed the scorer twice (exit code 3: asked about dies)',
  });
  expect(await setup.ask('b')).toMatchObject(scored(1));
  expect(await setup.pids()).toHaveLength(3);
});

test('a text that hangs is unscored after the deadline, and what hung is gone', async () => {
  await using setup = await start('', 500);
  expect(await setup.ask('hangs')).toMatchObject({ outcome: 'unscored', cause: 'provider-error' });
  expect(await setup.ask('a')).toMatchObject(scored(1));
  const [hung = ''] = await setup.pids();
  await expect.poll(() => isAlive(hung)).toBe(false);
});

test('noise on stdout leaves the text unscored and does not shift the answers behind it', async () => {
  await using setup = await start();
  expect(await setup.ask('noise')).toMatchObject(malformed('no JSON'));
  expect(await setup.ask('a')).toMatchObject(scored(1));
  expect(await setup.ask('nameless')).toMatchObject(malformed('it has no id'));
  expect(await setup.ask('above')).toMatchObject(malformed('value: Too big'));
  expect(await setup.ask('b')).toMatchObject(scored(1));
  expect(await setup.pids()).toHaveLength(1);
});

test('of two answers to a question the first one counts', async () => {
  await using setup = await start();
  expect(await setup.ask('twice')).toMatchObject(scored(0.25));
  expect(await setup.ask('a')).toMatchObject(scored(1));
  expect(await setup.ask('twice')).toMatchObject(scored(0.25));
});

test('a program that answers out of order, or with a line without end, is replaced', async () => {
  await using setup = await start();
  expect(await setup.ask('ahead')).toMatchObject(malformed('it has the id 2, and 1 was asked'));
  expect(await setup.ask('a')).toMatchObject(scored(1));
  expect(await setup.ask('huge')).toMatchObject(malformed('longer than 1048576 bytes'));
  expect(await setup.ask('b')).toMatchObject(scored(1));
  const pids = await setup.pids();
  expect(pids).toHaveLength(3);
  for (const pid of pids.slice(0, 2)) await expect.poll(() => isAlive(pid)).toBe(false);
});

test('an answer given with the last breath counts', async () => {
  await using setup = await start();
  expect(await setup.ask('answers and dies')).toMatchObject(scored(0.5));
  expect(await setup.ask('a')).toMatchObject(scored(1));
});

test('a question that its peer gives up leaves the next one its own answer', async () => {
  await using setup = await start();
  await setup.scorer.identity(signal);
  const stop = new AbortController();
  const given = setup.scorer.score(row, 'a', stop.signal);
  stop.abort(new Error('the peer is stopping'));
  await expect(given).rejects.toThrow('the peer is stopping');
  expect(await setup.scorer.score({ ...row, context: null }, 'b', signal)).toMatchObject(scored(0));
});

test('a program that cannot be started, or says something else first, is refused with its words', async () => {
  for (const [behaviour, words] of [
    ['silent start', 'exit code 1: cannot find the weights'],
    ['wrong start', 'must be {"scorer":"name@version"}, not: ready'],
  ] as const) {
    await using setup = await start(behaviour);
    const refused = setup.scorer.identity(signal);
    await expect(refused, behaviour).rejects.toThrow(PermanentError);
    await expect(refused, behaviour).rejects.toThrow(words);
  }
  const absent = createCommandScorer(
    { command: ['no-such-scorer'], variables: [], deadlineMs: 1000 },
    () => {},
  );
  await expect(absent.score(row, 'a', signal)).rejects.toThrow('spawn no-such-scorer ENOENT');
  await absent.close();
});

test('one that could be started before may be again: that is no permanent failure', async () => {
  await using folder = await temporaryFolder();
  const gone = join(folder.path, 'gone');
  const script = `test -e ${gone} && exit 1; touch ${gone}; exec '${process.execPath}' '${program}'`;
  const scorer = createCommandScorer(
    { command: ['sh', '-c', script], variables: [], deadlineMs: 30_000 },
    () => {},
  );
  expect(await scorer.identity(signal)).toBe('test@1');
  await expect(scorer.score(row, 'dies', signal)).rejects.toThrow(TransientError);
  await scorer.close();
});

test('a program sees the variables that its profile names, and no other secret of the peer', async () => {
  const script =
    'echo \'{"scorer":"env@1"}\'; while read -r line; do id=${line#*\\"id\\":}; echo "{\\"id\\":${id%%[,\\}]*},\\"value\\":1,\\"details\\":{\\"seen\\":\\"$OWN_KEY,$OTHER_KEY\\"}}"; done';
  vi.stubEnv('OWN_KEY', 'own');
  vi.stubEnv('OTHER_KEY', 'other');
  const command = ['sh', '-c', script];
  const scorer = createCommandScorer(
    { command, variables: ['OWN_KEY'], deadlineMs: 30_000 },
    () => {},
  );
  expect(await scorer.score(row, 'answer', signal)).toMatchObject({ details: { seen: 'own,' } });
  await scorer.close();
  vi.unstubAllEnvs();
});

test('a program that calls itself something else after a restart is not used', async () => {
  await using setup = await start('other name each time');
  expect(await setup.scorer.identity(signal)).toMatch(/^changing@/);
  await expect(setup.ask('dies')).rejects.toThrow('start the peer again');
});

test('closing ends the program and all that it has started', async () => {
  const setup = await start('with a child');
  await setup.ask('a');
  const pids = await setup.pids();
  expect(pids.map(isAlive)).toEqual([true, true]);
  await setup.scorer.close();
  await expect.poll(() => pids.map(isAlive)).toEqual([false, false]);
  await setup[Symbol.asyncDispose]();
});

test('the example of the README answers by the protocol', async () => {
  const command = [process.execPath, example];
  const scorer = createCommandScorer({ command, variables: [], deadlineMs: 30_000 }, () => {});
  expect(await scorer.identity(signal)).toBe('length@1');
  expect(await scorer.score(row, 'two words', signal)).toEqual({
    outcome: 'scored',
    value: 1,
    details: { words: 2 },
  });
  expect(await scorer.score(row, 'word '.repeat(80), signal)).toMatchObject(scored(0.5));
  expect(await scorer.score(row, '', signal)).toMatchObject({ reason: 'the answer is empty' });
  await scorer.close();
});

test('the command of the README judges rows offline, and says which profile is of another kind', async () => {
  await using folder = await temporaryFolder();
  const [rows, profiles] = [join(folder.path, 'rows.jsonl'), join(folder.path, 'p.yaml')];
  await writeFile(rows, '{"id":1,"answer":"two words"}\n{"id":2,"answer":""}\n');
  const command = JSON.stringify([process.execPath, example]);
  await writeFile(
    profiles,
    `scorers: { mine: { command: ${command} }, web: { url: 'http://127.0.0.1:9' } }`,
  );
  const score = (scorer: string) =>
    runCli(
      'score',
      rows,
      '--judge',
      'command',
      '--set',
      `scorer=${scorer}`,
      '--profiles',
      profiles,
    );
  const { code, output, errors } = await score('mine');
  expect([code, errors]).toEqual([0, '']);
  expect(
    output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toMatchObject([
    { id: 1, judge: 'command', outcome: 'scored', value: 1 },
    { id: 2, judge: 'command', outcome: 'unscored', reason: 'the answer is empty' },
  ]);
  const refused = await score('web');
  expect(refused.code).toBe(1);
  expect(refused.errors).toContain('the profile of "web" has a url: write type http');
});
