import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
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
import type { Failure } from '../../agents/trainer/job/attempts.ts';
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

afterEach(() => rm(root, { recursive: true }));

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

  interface Planned {
    request: TrainRequest;
    microBatch: number | null;
  }
  interface End {
    kind: string;
    reason: string;
  }

  /** A job over a folder in memory; each attempt ends with what `run` says of it: a failure, or none. */
  function carry(
    facts: JobFacts,
    run: (launches: number) => Failure | null,
    problems: string[] = [],
  ): { done: Promise<TrainOutcome>; launched: (number | null)[] } {
    const launched: (number | null)[] = [];
    let failure: Failure | null = null;
    const machine = jobMachine.provide({
      actors: {
        inspect: fromPromise(async () => Promise.resolve({ ...facts })),
        fetch: fromPromise(async () => {
          facts.hasDataset = true;
          await Promise.resolve();
        }),
        launch: fromPromise(async ({ input }: { input: Planned }) => {
          if (problems.length > 0) return problems;
          launched.push(input.microBatch);
          return Promise.resolve([]);
        }),
        watch: fromCallback<JobEvent, TrainRequest>(({ sendBack }) => {
          failure = run(launched.length);
          facts.sighting = { state: 'absent' };
          sendBack({ type: 'program.ended', ending: { code: 0 } });
        }),
        close: fromPromise(async () => {
          const microBatch = launched.at(-1) ?? null;
          const attempt = { name: 'one', microBatch, logFrom: 0, failure };
          facts.attempts = [...facts.attempts, attempt];
          return Promise.resolve(failure === null);
        }),
        publish: fromPromise(async () => {
          facts.outcome = published;
          await Promise.resolve();
        }),
        cancel: fromPromise(async () => {
          facts.outcome = { outcome: 'failed', kind: 'cancelled', reason: 'asked for' };
          await Promise.resolve();
        }),
        giveUp: fromPromise(async ({ input }: { input: { request: TrainRequest; end: End } }) => {
          facts.outcome = { outcome: 'failed', ...input.end };
          await Promise.resolve();
        }),
      },
    });
    const actor = createActor(machine, { input: { request, microBatch: 4 } });
    actor.start();
    return { done: toPromise(actor), launched };
  }

  const fresh = (): JobFacts => ({
    outcome: undefined,
    cancelled: false,
    attempts: [],
    sighting: { state: 'absent' },
    hasDataset: false,
  });

  test('fetches, launches, watches and publishes', async () => {
    const job = carry(fresh(), () => null);
    expect(await job.done).toEqual(published);
    expect(job.launched).toEqual([4]);
  });

  test.each(['running', 'queued'] as const)(
    'watches an attempt that is %s already instead of starting another',
    async (state) => {
      const job = carry({ ...fresh(), hasDataset: true, sighting: { state } }, () => null);
      expect(await job.done).toEqual(published);
      expect(job.launched).toEqual([]);
    },
  );

  test('starts a program again that died, and gives up after three deaths without a step', async () => {
    const failure: Failure = { class: 'unknown', reason: 'it died', step: 7 };
    const job = carry(fresh(), () => failure);
    expect(await job.done).toMatchObject({
      outcome: 'failed',
      kind: 'unknown',
      reason: expect.stringMatching(
        /it died.*3 times in a row at step 7.*3 attempts: unknown at step 7/,
      ) as string,
    });
    expect(job.launched).toEqual([4, 4, 4]);
  });

  test('tries half the micro-batch once when memory is out', async () => {
    const failure: Failure = { class: 'oom', reason: 'CUDA out of memory', step: 0 };
    const job = carry(fresh(), (launches) => (launches === 1 ? failure : null));
    expect(await job.done).toEqual(published);
    expect(job.launched).toEqual([4, 2]);
  });

  test('that may not start here says what to do', async () => {
    const job = carry(fresh(), () => null, ['there is no torchrun here: install it']);
    expect(await job.done).toEqual({
      outcome: 'failed',
      kind: 'not-ready',
      reason: 'there is no torchrun here: install it',
    });
  });

  test('ends a job whose end was asked for before a kill, and launches nothing', async () => {
    const job = carry({ ...fresh(), cancelled: true, sighting: { state: 'running' } }, () => null);
    expect(await job.done).toMatchObject({ outcome: 'failed', kind: 'cancelled' });
    expect(job.launched).toEqual([]);
  });

  test('a published job stays published, whoever asks for its end then', async () => {
    const job = carry({ ...fresh(), outcome: published, cancelled: true }, () => null);
    expect(await job.done).toEqual(published);
  });

  test('a job whose outcome is stored does nothing more', async () => {
    const job = carry({ ...fresh(), outcome: published }, () => null);
    expect(await job.done).toEqual(published);
    expect(job.launched).toEqual([]);
  });
});
