/** A lost broker and a full disk: the run goes on, and its datasets are those of an undisturbed one. Kills are the drills'. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { CurateOutcome, EvaluateOutcome } from '../../shared/contract/steps.ts';
import type { Result } from '../../shared/contract/work.ts';
import { writeRun } from '../support/curated-run.ts';
import {
  callCurator,
  incumbent,
  makeFolder,
  roundOpened,
  startWorkers,
} from '../support/curating.ts';
import { type CuratorProcess, startCurator } from '../support/curator.ts';
import { startNats } from '../support/nats.ts';

const ROWS = 80;

/** A round and its evaluation, as a coordinator drives them. */
async function driveRound(
  curator: CuratorProcess,
  file: ReturnType<typeof writeRun>,
): Promise<[CurateOutcome, EvaluateOutcome]> {
  const calls = callCurator(curator.grpc);
  try {
    await calls.open(file);
    await calls.append(1, roundOpened);
    return [await calls.curate('r1'), await calls.evaluate('r1', incumbent)];
  } finally {
    calls.close();
  }
}

async function undisturbed(): Promise<[CurateOutcome, EvaluateOutcome]> {
  const folder = makeFolder();
  await using nats = await startNats();
  await using curator = await startCurator({ natsUrl: nats.url, state: join(folder, 'state') });
  await using _workers = await startWorkers(nats.url);
  return await driveRound(curator, writeRun(join(folder, 'data'), { rows: ROWS }));
}

test('a broker that loses its store in the middle of a round is filled again', async () => {
  const folder = makeFolder();
  let nats = await startNats();
  const { port, store } = nats;
  const lost = nats;
  onTestFinished(async () => {
    await nats[Symbol.asyncDispose]();
    await lost[Symbol.asyncDispose]();
  });
  await using curator = await startCurator({ natsUrl: nats.url, state: join(folder, 'state') });
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

  expect(await driveRound(curator, file)).toEqual(await undisturbed());
  expect(wiped).toHaveLength(1);
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
