/** Kills, a lost broker and a full disk: the run goes on, and its datasets are those of an undisturbed one. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { TransientError } from '../../shared/contract/failure.ts';
import type { CurateOutcome, EvaluateOutcome } from '../../shared/contract/steps.ts';
import type { Result } from '../../shared/contract/work.ts';
import { writeRun } from '../support/curated-run.ts';
import {
  callCurator,
  type Calls,
  incumbent,
  makeFolder,
  roundOpened,
  startWorkers,
} from '../support/curating.ts';
import { type CuratorOptions, type CuratorProcess, startCurator } from '../support/curator.ts';
import { startNats } from '../support/nats.ts';

const ROWS = 80;

interface Supervised {
  /** Repeats a call on whichever curator lives, until it is answered. */
  call<TResult>(make: (calls: Calls) => Promise<TResult>): Promise<TResult>;
  readonly current: () => CuratorProcess;
  /** How often a curator was started. */
  readonly starts: () => number;
}

/** Starts a curator again whenever it ends, as the local supervisor does. */
async function supervise(options: CuratorOptions): Promise<Supervised> {
  let starts = 0;
  const stopping = new AbortController();
  const start = async (): Promise<CuratorProcess> => {
    for (;;) {
      starts += 1;
      try {
        return await startCurator(options);
      } catch (error) {
        // It was killed before it was ready; the next one goes on.
        if (stopping.signal.aborted || starts > 100) throw error;
      }
    }
  };
  let current = await start();
  const watching = (async () => {
    while (!stopping.signal.aborted) {
      await current.exited();
      if (!stopping.signal.aborted) current = await start();
    }
  })();
  onTestFinished(async () => {
    stopping.abort();
    await current[Symbol.asyncDispose]();
    await watching;
    await current[Symbol.asyncDispose]();
  });
  return {
    current: () => current,
    starts: () => starts,
    async call(make) {
      for (;;) {
        const calls = callCurator(current.grpc);
        try {
          return await make(calls);
        } catch (error) {
          if (!(error instanceof TransientError)) throw error;
          await new Promise((resolve) => setTimeout(resolve, 50));
        } finally {
          calls.close();
        }
      }
    },
  };
}

/** A round and its evaluation, as a coordinator drives them. */
async function driveRound(
  { call }: Pick<Supervised, 'call'>,
  file: ReturnType<typeof writeRun>,
): Promise<[CurateOutcome, EvaluateOutcome]> {
  await call((calls) => calls.open(file));
  await call((calls) => calls.append(1, roundOpened)).catch((error: unknown) => {
    // Killed after the append and before its answer: the journal has it, so the expected length is another one now.
    if (!(error instanceof Error && /has 2 facts/.test(error.message))) throw error;
  });
  return [
    await call((calls) => calls.curate('r1')),
    await call((calls) => calls.evaluate('r1', incumbent)),
  ];
}

async function undisturbed(): Promise<[CurateOutcome, EvaluateOutcome]> {
  const folder = makeFolder();
  await using nats = await startNats();
  const options = { natsUrl: nats.url, state: join(folder, 'state') };
  await using curator = await startCurator(options);
  await using _workers = await startWorkers(nats.url);
  const calls = callCurator(curator.grpc);
  const file = writeRun(join(folder, 'data'), { rows: ROWS });
  const outcomes = await driveRound({ call: (make) => make(calls) }, file);
  calls.close();
  return outcomes;
}

test('killed before and after every effect, it seals and scores what an undisturbed one does', async () => {
  const effects = [
    ...['ledger', 'examples', 'run', 'fact', 'plan', 'task', 'results', 'outcome'].map(
      (effect) => `store.${effect}`,
    ),
    'curator.offer',
    'curator.ack',
    'curator.announce',
    'dataset.fsync',
    'dataset.rename',
    'dataset.fsync-folder',
  ];
  const points = effects.flatMap((effect) => [`${effect}.before`, `${effect}.after`]);
  const folder = makeFolder();
  await using nats = await startNats();
  const supervised = await supervise({
    natsUrl: nats.url,
    state: join(folder, 'state'),
    env: {
      RESET_FAILPOINTS: points.map((point) => `${point}=kill`).join(';'),
      RESET_FAILPOINT_MARKS: join(folder, 'marks'),
    },
  });
  await using _workers = await startWorkers(nats.url);
  const file = writeRun(join(folder, 'data'), { rows: ROWS });

  expect(await driveRound(supervised, file)).toEqual(await undisturbed());
  expect(supervised.starts()).toBeGreaterThan(points.length / 2);
}, 120_000);

test('a broker that loses its store in the middle of a round is filled again', async () => {
  const folder = makeFolder();
  let nats = await startNats();
  const { port, store } = nats;
  const lost = nats;
  onTestFinished(async () => {
    await nats[Symbol.asyncDispose]();
    await lost[Symbol.asyncDispose]();
  });
  const supervised = await supervise({ natsUrl: nats.url, state: join(folder, 'state') });
  let results = 0;
  const wiped: Promise<void>[] = [];
  await using _workers = await startWorkers(nats.url, async (result: Result) => {
    results += 1;
    if (results === 5)
      wiped.push(
        (async () => {
          await nats.kill();
          await rm(store, { recursive: true });
          nats = await startNats({ port, store });
        })(),
      );
    await Promise.all(wiped);
    return result;
  });
  const file = writeRun(join(folder, 'data'), { rows: ROWS });

  expect(await driveRound(supervised, file)).toEqual(await undisturbed());
  expect(wiped).toHaveLength(1);
  expect(supervised.starts()).toBe(1);
}, 60_000);

test('a full disk ends it with the reason; nothing is lost, and the next start goes on', async () => {
  const folder = makeFolder();
  await using nats = await startNats();
  const state = join(folder, 'state');
  const curator = await startCurator({
    natsUrl: nats.url,
    state,
    env: { RESET_FAILPOINTS: 'store.results.before@2=enospc' },
  });
  const calls = callCurator(curator.grpc);
  await using _workers = await startWorkers(nats.url);
  const file = writeRun(join(folder, 'data'), { rows: ROWS });
  await calls.open(file);
  await calls.append(1, roundOpened);
  await calls.start('r1');
  expect(await curator.exited()).toBe(1);
  expect(curator.log.at(-2)).toMatch(/the disk is full \(ENOSPC\)\. Free space/);
  calls.close();

  await using again = await startCurator({ natsUrl: nats.url, state });
  const others = callCurator(again.grpc);
  const outcomes = [await others.curate('r1'), await others.evaluate('r1', incumbent)];
  others.close();
  expect(outcomes).toEqual(await undisturbed());
}, 60_000);
