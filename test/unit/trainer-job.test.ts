import { appendFile, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { createActor, fromCallback, fromPromise, toPromise } from 'xstate';
import { fetchDataset, type DatasetPart } from '../../agents/trainer/job/dataset.ts';
import {
  fileRequest,
  jobFolder,
  readOutcome,
  readRequest,
  writeOutcome,
  type JobFolder,
} from '../../agents/trainer/job/folder.ts';
import { spentOn } from '../../agents/trainer/job/spent.ts';
import { ProgressReader } from '../../agents/trainer/launch/progress.ts';
import { jobMachine, type JobEvent, type JobFacts } from '../../agents/trainer/machine.ts';
import { canonicalJson, digestOf, sha256 } from '../../shared/contract/ids.ts';
import type { TrainOutcome, TrainRequest } from '../../shared/contract/steps.ts';

let root: string;
let folder: JobFolder;

const request: TrainRequest = {
  run: 'tested',
  step: 'r1',
  seed: 1,
  backend: 'tinylm',
  from: { kind: 'scratch', config: {} },
  dataset: digestOf('dataset'),
  dev: null,
  anchor: null,
  attempt: 0,
  training: {
    steps: 3,
    batchSize: 2,
    learningRate: 1e-3,
    schedule: 'cosine',
    warmupRatio: 0,
    weightDecay: 0,
    saveEverySteps: 10,
    pick: 'last',
  },
  probe: [],
};

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'reset-job-'));
  folder = jobFolder(root, request);
});

describe('the request of a job', () => {
  test('may come twice, but not changed', async () => {
    await fileRequest(folder, request);
    await fileRequest(folder, request);
    await expect(fileRequest(folder, { ...request, seed: 2 })).rejects.toThrow(
      'started with another request',
    );
    expect(await readRequest(folder)).toEqual(request);
  });

  test('under a higher attempt clears a failed outcome, and never a published one', async () => {
    await fileRequest(folder, request);
    await writeOutcome(folder, { outcome: 'failed', kind: 'disk', reason: 'full' });
    await fileRequest(folder, request);
    expect(await readOutcome(folder)).toMatchObject({ kind: 'disk' });
    await fileRequest(folder, { ...request, attempt: 1 });
    expect(await readOutcome(folder)).toBeUndefined();
    const published: TrainOutcome = {
      outcome: 'published',
      checkpoint: digestOf('checkpoint'),
      parent: null,
    };
    await writeOutcome(folder, published);
    await fileRequest(folder, { ...request, attempt: 2 });
    expect(await readOutcome(folder)).toEqual(published);
  });

  test('is one of several that a run has used GPUs for', async () => {
    const result = { status: 'failed', kind: 'disk', message: 'full', gpuSeconds: 40 };
    for (const step of ['start-0', 'r1']) {
      const job = jobFolder(root, { ...request, step });
      await fileRequest(job, { ...request, step });
      await writeFile(job.result, JSON.stringify(result));
    }
    await fileRequest(jobFolder(root, { ...request, step: 'r2' }), { ...request, step: 'r2' });
    expect(await spentOn(root, request.run)).toBe(80);
    expect(await spentOn(root, 'no-such-run')).toBe(0);
  });

  test('that lies damaged in its folder is named', async () => {
    await fileRequest(folder, request);
    await writeFile(join(folder.path, 'request.json'), '{');
    await expect(readRequest(folder)).rejects.toThrow('request.json is damaged');
  });
});

describe('a dataset on its way to the trainer', () => {
  const rows = ['{"id":"1"}\n{"id":"2"}\n', '{"id":"3"}\n'];
  const manifest = {
    files: rows.map((text, index) => ({
      path: `shard-00${index}.jsonl`,
      size: text.length,
      sha256: sha256(text),
    })),
    rows: 3,
    byDataset: { span: 3 },
  };
  const digest = digestOf(manifest);

  async function* parts(bytes: string, pieces: number): AsyncGenerator<DatasetPart> {
    yield { manifest: canonicalJson(manifest) };
    for (let at = 0; at < bytes.length; at += pieces)
      yield { chunk: Buffer.from(bytes.slice(at, at + pieces)) };
    await Promise.resolve();
  }

  test.each([1, 7, 1000])('arrives whole in chunks of %i bytes', async (pieces) => {
    await fetchDataset(parts(rows.join(''), pieces), digest, folder.dataset);
    expect(await readFile(join(folder.dataset, 'shard-001.jsonl'), 'utf8')).toBe(rows[1]);
  });

  test.each([
    ['ends early', rows.join('').slice(0, -4), 'ended inside shard-001.jsonl'],
    ['has one byte changed', rows.join('').replace('"2"', '"9"'), 'other bytes'],
  ])('that %s is not taken, and leaves nothing behind', async (_, bytes, problem) => {
    await expect(fetchDataset(parts(bytes, 5), digest, folder.dataset)).rejects.toThrow(problem);
    expect(await readdir(folder.path)).toEqual([]);
  });
});

test('progress is read as it grows; a torn line waits for its end and a broken one is skipped', async () => {
  const path = join(root, 'progress.jsonl');
  const reader = new ProgressReader(path);
  expect(await reader.read()).toEqual([]);
  await writeFile(path, '{"event":"resumed","step":1}\n{"event":"sav');
  expect(await reader.read()).toEqual([{ event: 'resumed', step: 1 }]);
  await appendFile(path, 'ed","step":2}\n{"torn\n{"event":"finished"}\n');
  expect(await reader.read()).toEqual([{ event: 'saved', step: 2 }, { event: 'finished' }]);
});

describe('the machine of a job', () => {
  const published: TrainOutcome = {
    outcome: 'published',
    checkpoint: digestOf('checkpoint'),
    parent: null,
  };

  /** A job over a folder in memory whose program does what `run` says at each launch. */
  function carry(
    facts: JobFacts,
    run: (launches: number) => void,
  ): { done: Promise<TrainOutcome>; launches: () => number } {
    let launches = 0;
    const machine = jobMachine.provide({
      actors: {
        inspect: fromPromise(async () => Promise.resolve({ ...facts })),
        fetch: fromPromise(async () => {
          facts.hasDataset = true;
          await Promise.resolve();
        }),
        launch: fromPromise(async () => {
          launches += 1;
          await Promise.resolve();
        }),
        watch: fromCallback<JobEvent, TrainRequest>(({ sendBack }) => {
          run(launches);
          facts.program = undefined;
          sendBack({ type: 'program.ended' });
        }),
        publish: fromPromise(async () => {
          facts.outcome = published;
          await Promise.resolve();
        }),
        giveUp: fromPromise(
          async ({ input }: { input: { request: TrainRequest; reason: string } }) => {
            facts.outcome = { outcome: 'failed', kind: 'died', reason: input.reason };
            await Promise.resolve();
          },
        ),
      },
    });
    const actor = createActor(machine, { input: { request } });
    actor.start();
    return { done: toPromise(actor), launches: () => launches };
  }

  const fresh = (): JobFacts => ({
    outcome: undefined,
    result: undefined,
    program: undefined,
    hasDataset: false,
    step: 0,
  });
  const completed = {
    status: 'completed',
    steps: 3,
    loss: 1,
    dev: null,
    anchor: null,
    tokens: 10,
    output: 'output',
  } as const;

  test('fetches, launches, watches and publishes', async () => {
    const facts = fresh();
    const job = carry(facts, () => (facts.result = completed));
    expect(await job.done).toEqual(published);
    expect(job.launches()).toBe(1);
  });

  test('watches a program that runs already instead of starting another', async () => {
    const facts = { ...fresh(), hasDataset: true, program: 42 };
    const job = carry(facts, () => (facts.result = completed));
    expect(await job.done).toEqual(published);
    expect(job.launches()).toBe(0);
  });

  test('starts a program again that died, and gives up after three deaths without a step', async () => {
    const facts = fresh();
    const job = carry(facts, () => undefined);
    expect(await job.done).toMatchObject({ outcome: 'failed', kind: 'died' });
    expect(job.launches()).toBe(3);
  });

  test('a job whose outcome is stored does nothing more', async () => {
    const job = carry({ ...fresh(), outcome: published }, () => undefined);
    expect(await job.done).toEqual(published);
    expect(job.launches()).toBe(0);
  });
});
