/** Two runs in one cluster, the second from the checkpoints of the first: what `npm run reproduce` is made of. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { runCommand } from '../../deploy/local/command.ts';
import { type RunningCluster, startCluster } from '../../deploy/local/local-cluster.ts';
import { programPath } from '../../deploy/local/paths.ts';
import { stateFolder } from '../../deploy/local/state-folder.ts';
import { writeFileDurably } from '../../shared/process/files.ts';
import type { Fact, FactOf } from '../../shared/contract/facts.ts';
import { Digest } from '../../shared/contract/ids.ts';
import { check } from '../drills/check/all.ts';
import { readEvidence, factsOf } from '../drills/check/evidence.ts';
import { resetLoop } from '../support/drill/command.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

const Published = z.object({ event: z.literal('checkpoint.published'), checkpoint: Digest });
const stage = { batchSize: 8, learningRate: 3e-3 };
const pretrain = { ...stage, steps: 60 };
/** Its weights are picked by the references of dev. */
const mtl = { ...stage, steps: 20, pick: 'dev-perplexity', saveEverySteps: 10 };

let folder: TemporaryFolder;
let state: string;
let cluster: RunningCluster | undefined;
let first: readonly Fact[] = [];
let second: readonly Fact[] = [];
let overBudget: Awaited<ReturnType<typeof resetLoop>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  state = join(folder.path, 'state');
  const { signal } = new AbortController();
  const prepare = async () => {
    await runCommand(
      process.execPath,
      [
        programPath('deploy/demo/world/main.js'),
        join(state, 'world'),
        '--seed',
        '101',
        '--size',
        'drill',
      ],
      { timeoutMs: 120_000, signal },
    );
  };
  const options = { state: stateFolder(state), env: process.env, say: () => undefined, signal };
  const started = await startCluster({ ...options, prepare });
  if ('holder' in started) throw new Error('a new folder has no holder');
  ({ cluster } = started);

  const [base = '', tuned = ''] = await run({
    run: 'first',
    start: [
      { name: 'pretrain', rows: 'world/pretrain.jsonl', training: pretrain },
      { name: 'mtl', datasets: ['span', 'instruct'], training: mtl },
    ],
    rounds: { max: 0 },
  });
  // As if a training program with GPUs had worked for this run before.
  const used = { status: 'failed', kind: 'disk', message: 'full', gpuSeconds: 3600 };
  await writeFileDurably(
    'test',
    join(state, 'trainer-1/jobs/second/r9/train_result.json'),
    JSON.stringify(used),
  );
  const file = {
    run: 'second',
    start: [
      { name: 'base', checkpoint: `checkpoints/${base}` },
      { name: 'mtl', checkpoint: `checkpoints/${tuned}` },
    ],
    score: { instruction: 0, faithfulness: 0 },
    rounds: { max: 2, patience: 2, trainFrom: 'base', data: 'pooled' },
    budget: { gpuHours: 1 },
  };
  overBudget = await start(file);
  await run(file);
  await cluster.stop();
  await using evidence = await readEvidence(state);
  [first = [], second = []] = evidence.runs.map(factsOf);
}, 300_000);

afterAll(async () => {
  await cluster?.stop();
  await folder[Symbol.asyncDispose]();
});

type Changes = { run: string } & Record<string, unknown>;

/** Runs the drill's run file with these keys instead of its own, to its end or a pause. */
async function start(changes: Changes): ReturnType<typeof resetLoop> {
  const drill = parse(await readFile('deploy/demo/drill.yaml', 'utf8')) as object;
  const path = join(state, `${changes.run}.yaml`);
  await writeFile(path, JSON.stringify({ ...drill, ...changes }));
  return resetLoop(['run', path, '--json', '--state', state]);
}

/** Runs to the end. Returns the checkpoints that were published. */
async function run(changes: Changes): Promise<string[]> {
  const { code, stdout, stderr } = await start(changes);
  expect(code, stderr).toBe(0);
  return stdout.split('\n').flatMap((line) => {
    const event = Published.safeParse(line === '' ? {} : JSON.parse(line));
    return event.success ? [event.data.checkpoint] : [];
  });
}

function all<TName extends Fact['fact']>(facts: readonly Fact[], name: TName): FactOf<TName>[] {
  return facts.filter((fact): fact is FactOf<TName> => fact.fact === name);
}

test('a run without rounds ends with its start evaluated', () => {
  expect(all(first, 'run.finished')).toMatchObject([{ stopped: 'rounds', best: { round: 0 } }]);
  expect(all(first, 'evaluation.finished').map(({ step }) => step)).toEqual(['r0']);
  const [pretrained, mixed] = all(first, 'dataset.sealed');
  expect([typeof pretrained?.dev, typeof mixed?.dev]).toEqual(['undefined', 'string']);
});

test('the next run has the checkpoints of the first under their digests, and the same evaluation of them', () => {
  const [base, tuned] = all(first, 'checkpoint.published').map(({ checkpoint }) => checkpoint);
  expect(all(second, 'checkpoint.published').slice(0, 2)).toMatchObject([
    { checkpoint: base, dataset: null },
    { checkpoint: tuned, dataset: null },
  ]);
  const [start] = all(first, 'evaluation.finished');
  expect(all(second, 'evaluation.finished')[0]?.evaluation).toBe(start?.evaluation);
});

test('a used-up budget pauses it before a training, and starting it again grants as much once more', () => {
  expect(overBudget.code).toBe(3);
  expect(overBudget.stdout).toContain('budget: 1 GPU-hours are used up');
  expect(all(second, 'run.paused')).toMatchObject([{ budget: 'gpuHours' }]);
});

test('its rounds sample the last stage and train the one that is named', () => {
  const [base, tuned] = all(first, 'checkpoint.published').map(({ checkpoint }) => checkpoint);
  expect(all(second, 'round.opened')[0]?.incumbent).toBe(tuned);
  for (const { parent } of all(second, 'checkpoint.published').slice(2)) expect(parent).toBe(base);
});

test('the second round trains on the rows of both', () => {
  const [one, two] = all(second, 'dataset.sealed');
  expect(one?.earlier).toBe(0);
  expect(two?.earlier).toBe(one?.rows);
  expect(two?.rows).toBeGreaterThan(one?.rows ?? 0);
});

test('the ledger gives both runs again, and no judge without a weight was asked about train rows', async () => {
  expect(await check(state)).toEqual([]);
  await using evidence = await readEvidence(state);
  const asked = evidence.runs
    .filter(({ name }) => name === 'second')
    .flatMap(({ verdicts }) => [...verdicts.keys()]);
  const judgesOf = (split: string) =>
    new Set(asked.filter((key) => key.includes(`-${split}-`)).map((key) => key.split('/')[0]));
  expect(judgesOf('train')).toEqual(new Set(['exact']));
  expect(judgesOf('dev')).toEqual(new Set(['span', 'exact', 'rules']));
});
