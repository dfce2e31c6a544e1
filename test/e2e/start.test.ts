/** `npm start` on the drill preset, as a user has it: one state folder, the tests follow each other. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Explanation } from '../../shared/contract/explanation.ts';
import { Recuration } from '../../shared/contract/recuration.ts';
import { check } from '../drills/check/all.ts';
import { copyTrained } from '../support/drill/begin-trained.ts';
import { type DrillCluster, drillCluster } from '../support/drill/cluster.ts';
import { type Ended, resetLoop } from '../support/drill/command.ts';
import { drillEnv, finish, fired, untilEvent } from '../support/drill/drill.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

let folder: TemporaryFolder;
let cluster: DrillCluster;
/** What was printed for people; every command in it is executed. */
const printed: string[] = [];

beforeAll(async () => {
  folder = await temporaryFolder();
  cluster = await drillCluster({ state: join(folder.path, 'state') });
  cluster.start();
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function command(...args: string[]): Promise<Ended> {
  const ended = await resetLoop([...args, '--state', cluster.state]);
  printed.push(ended.stdout, ended.stderr);
  return ended;
}

function start(...flags: string[]): Promise<Ended> {
  return resetLoop(['start', '--preset', 'drill', '--state', cluster.state, ...flags]);
}

/** Starts in a row of the same cluster, each to its end; returns the events of this one. */
async function startAgain(): Promise<{ code: unknown; last: unknown }> {
  cluster.start();
  const code = await cluster.ended();
  return { code, last: cluster.events().at(-1) };
}

test('a first start says what it does and opens the run', async () => {
  await untilEvent(cluster, ({ event }) => event === 'run.opened');
  expect(cluster.stderr[0]).toContain(`everything is kept in ${cluster.state}`);
});

test('every peer serves metrics, health and readiness on loopback', async () => {
  const Status = z.object({ peers: z.array(z.object({ role: z.string(), http: z.string() })) });
  const peers = async () =>
    Status.parse(JSON.parse((await command('status', '--json')).stdout)).peers;
  await expect
    .poll(async () => (await peers()).map(({ role }) => role).sort(), { timeout: 20_000 })
    .toEqual(['coordinator', 'curator', 'judge', 'judge', 'sampler', 'trainer']);
  for (const { http } of await peers()) {
    expect(new URL(http).hostname).toBe('127.0.0.1');
    for (const path of ['healthz', 'readyz'])
      expect((await fetch(`${http}/${path}`)).status).toBe(200);
    const metrics = await (await fetch(`${http}/metrics`)).text();
    expect(metrics).toMatch(/^reset_/m);
    const foreign = /^# HELP (?!reset_)(\S+)/m.exec(metrics)?.[1];
    expect(foreign).toBeUndefined();
  }
});

test('a start beside it follows the same run, and Ctrl-C there leaves it running', async () => {
  const leave = new AbortController();
  const args = ['start', '--preset', 'drill', '--state', cluster.state, '--json'];
  const beside = resetLoop(args, {}, leave.signal);
  await untilEvent(cluster, ({ event }) => event === 'round.opened');
  leave.abort();
  const { code, stdout, stderr } = await beside;
  expect(code).toBe(130);
  expect(stderr).toContain('another start runs this');
  expect(stdout).toContain('"event":"checkpoint.published"');
  expect(cluster.pid('supervisor')).toBeDefined();
});

test('pause ends the start with exit code 3, and starting again goes on', async () => {
  expect((await command('pause')).code).toBe(0);
  expect(await cluster.ended()).toBe(3);
  expect(cluster.events().at(-1)).toEqual({
    event: 'paused',
    run: 'drill',
    reason: 'asked by the user',
  });
  expect(await command('status')).toMatchObject({
    code: 3,
    stdout: expect.stringContaining('paused: asked by the user') as string,
  });
  cluster.start();
  await untilEvent(cluster, ({ event }) => event === 'run.resumed');
});

test('Ctrl-C ends it in order, and starting again ends the run', async () => {
  cluster.signal('SIGINT');
  expect(await cluster.ended()).toBe(130);
  expect(cluster.stderr.at(-1)).toContain('the next start goes on from here');
  const { code, last } = await startAgain();
  expect(code).toBe(0);
  const Round = z.strictObject({
    round: z.int(),
    checkpoint: z.string().length(64),
    faithfulness: z.strictObject({ seen: z.number(), unseen: z.number() }),
    instruction: z.number(),
    task: z.number(),
    decision: z.enum(['start', 'promote', 'keep', 'stop']),
  });
  const Finished = z.strictObject({
    event: z.literal('finished'),
    run: z.literal('drill'),
    rounds: z.array(Round).min(3),
    best: z.int(),
    stopped: z.enum(['converged', 'rounds']),
    seconds: z.number().positive(),
  });
  const { rounds } = Finished.parse(last);
  expect(rounds.map(({ round }) => round)).toEqual(rounds.map((_, index) => index));
  expect(rounds[0]?.decision).toBe('start');
});

test('a start after the end prints the result and does nothing else', async () => {
  const { code, stdout } = await start();
  expect(code).toBe(0);
  expect(stdout).not.toMatch(/: (planning|sampling|judging|training|publishing) /);
  expect(stdout).toContain('scores on test, 95 % bounds in brackets');
  expect(stdout).toMatch(/│ start.*│ \d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\]/);
  expect(stdout).toMatch(/^round 1: (promote|keep): /m);
  expect(stdout).toMatch(/^stopped \((converged|rounds)\) after \d+ s: /m);
  expect(stdout).toContain('To look closer:');
  expect(stdout).toMatch(/^oracle \(.*\):\n {2}start \d\.\d{3} seen, \d\.\d{3} unseen; round 1 /m);
  printed.push(stdout);
});

test('why shows one example with its candidates, the arithmetic and the winner', async () => {
  const { code, stdout } = await command('why');
  expect(code).toBe(0);
  expect(stdout).toMatch(/score: .*\d \* (task|instruction|faithfulness) \d.* = \d/);
  expect(stdout).toMatch(/^kept: /m);
  const { steps } = Explanation.parse(JSON.parse((await command('why', '--json')).stdout));
  const [kept] = steps.filter(({ selection }) => selection !== null);
  expect(kept?.candidates.length).toBeGreaterThan(1);
});

test('the report tells the whole run, from the journal and the answers', async () => {
  const file = join(folder.path, 'report.md');
  expect((await command('report', '--out', file)).code).toBe(0);
  const text = readFileSync(file, 'utf8');
  const headings = text.match(/^## .*/gm)?.map((line) => line.slice(3));
  expect(headings).toEqual([
    'Rounds',
    'Scores by dataset',
    'Decisions',
    'Guardrails',
    'What the evaluation can tell',
    'Answer lengths',
    'Faithfulness of short and long answers',
    'Instruction score at equal length',
    'Cells',
    'Datasets',
    'Contexts and the window',
    'Judges',
    'What the judges are worth',
    'Digests',
  ]);
  expect(text).not.toMatch(/undefined|NaN/);
  // From the weights of the start and of the round, by the training program.
  expect(text).toMatch(/^\| kl +\| – +\| 1 +\| 0\.\d+ /m);
  const { stdout } = await command('report', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ run: 'drill', paused: null });
});

test('recurate gives the dataset of a round again with its own weights, and another one with others', async () => {
  const out = join(folder.path, 'recurated');
  const recurated = async (weights: string, ...flags: string[]) => {
    const { code, stdout } = await command(
      'recurate',
      '1',
      '--weights',
      weights,
      '--json',
      ...flags,
    );
    expect(code).toBe(0);
    return Recuration.extend({ run: z.literal('drill') }).parse(JSON.parse(stdout));
  };
  const same = await recurated('task=1,instruction=2,faithfulness=2', '--out', out);
  expect(same.dataset).toBe(same.trained.dataset);
  const sealed = join(cluster.state, 'curator-1/datasets', same.trained.dataset);
  for (const name of readdirSync(sealed))
    expect(readFileSync(join(out, same.trained.dataset, name))).toEqual(
      readFileSync(join(sealed, name)),
    );
  const other = await recurated('faithfulness=-2,task=-1');
  expect(other.dataset).not.toBe(other.trained.dataset);
  const { stdout } = await command('recurate', 'r1', '--weights', 'faithfulness=-2,task=-1');
  expect(stdout).toContain(`the round trained on ${same.trained.dataset}`);
});

test('score judges rows offline, in order', async () => {
  const rows = join(folder.path, 'rows.jsonl');
  const row = { instruction: null, context: 'Ada lives in Oslo.', question: 'Where?' };
  const answers = ['Oslo', 'Bergen'].map((answer, id) => ({
    ...row,
    id,
    references: ['Oslo'],
    answer,
  }));
  writeFileSync(rows, answers.map((answer) => `${JSON.stringify(answer)}\n`).join(''));
  const { code, stdout } = await resetLoop(['score', rows, '--judge', 'exact-match']);
  expect(code).toBe(0);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  expect(lines).toMatchObject([
    { id: 0, outcome: 'scored', value: 1 },
    { id: 1, outcome: 'scored', value: 0 },
  ]);
});

test('every command that was printed works', async () => {
  const commands = new Set(
    printed.flatMap((text) => text.match(/npx reset-loop [^\n]*?(?=\s{2}|\n|$)/g) ?? []),
  );
  expect(commands.size).toBeGreaterThan(3);
  for (const line of commands) {
    const { code, stderr } = await resetLoop(line.split(' ').slice(2));
    expect(code, `${line}: ${stderr}`).toBe(0);
  }
});

test('every command and option that a message names exists', async () => {
  const sources = fileURLToPath(new URL('../../../', import.meta.url));
  const texts = ['agents', 'coordinator', 'shared', 'deploy/local'].flatMap((root) =>
    readdirSync(join(sources, root), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(sources, root, name), 'utf8')),
  );
  const named = texts.flatMap((text) => text.match(/reset-loop [a-z]+(?: --[a-z]+)?/g) ?? []);
  const known = (await resetLoop(['--help'])).stdout;
  const commands = [...new Set(named.map((text) => text.split(' ')[1] ?? ''))].filter(
    (name) => name !== 'is' && name !== 'start',
  );
  for (const name of commands) expect(known, name).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
});

test('a run whose judge and curator are killed over work in hand gives the same bytes', async () => {
  // The start's evaluation has 18 judge units; the second peer of two is in the rounds with its 12th.
  const failpoints = 'judge.answer.before@12=kill;store.results.after@20=kill';
  await using killed = await drillCluster({ failpoints, env: drillEnv });
  await copyTrained(cluster.state, killed.state);
  killed.start();
  await finish(killed);
  expect(fired(killed.state)).toEqual(['judge.answer.before', 'store.results.after']);
  expect(await check(killed.state, { reference: cluster.state })).toEqual([]);
});

/** A fresh start, and stop until it is heard; undefined where the run ended before, as on a machine that stood still meanwhile. */
async function stopFresh(): Promise<Ended | undefined> {
  const fresh = start('--fresh', '--json');
  const running = join(cluster.state, 'cluster.json');
  await expect.poll(() => existsSync(running), { timeout: 30_000 }).toBe(true);
  let code: unknown;
  while (code !== 0 && existsSync(running)) code = (await command('stop')).code;
  const ended = await fresh;
  return code === 0 ? ended : undefined;
}

test('stop ends a run with what it has, and a fresh start begins anew', async () => {
  const ended = (await stopFresh()) ?? (await stopFresh());
  expect(ended?.code).toBe(0);
  expect(JSON.parse(ended?.stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
    event: 'finished',
    stopped: 'user',
    best: null,
  });
});
