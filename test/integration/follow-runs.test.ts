import { rm } from 'node:fs/promises';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { connectBus } from '../../shared/bus/nats.ts';
import { systemClock as clock } from '../../shared/process/clock.ts';
import { type FollowedRun, followRuns } from '../../shared/rpc/runs.ts';
import { startNats } from '../support/nats.ts';
import { startPlanner } from '../support/planner.ts';
import { makeRunFile } from '../support/run.ts';

const WITHIN = { timeout: 20_000, interval: 20 };

test('a run of the same name in another ledger, on a bus that was emptied, is followed from its beginning', async () => {
  const file = makeRunFile();
  const nats = await startNats();
  const ends = new AbortController();
  const log = pino({ level: 'silent' });
  const { bus, directory } = await connectBus({
    natsUrl: nats.url,
    role: 'judge',
    peer: 'judge-1',
    ackWaitMs: 2000,
    log,
    signal: ends.signal,
  });
  const told: (readonly FollowedRun[])[] = [];
  const following = followRuns({ directory, clock, log }, (runs) => told.push(runs), ends.signal);
  onTestFinished(async () => {
    ends.abort();
    await following;
    await bus.close();
    await nats[Symbol.asyncDispose]();
  });
  const finished = { fact: 'run.finished', stopped: 'rounds', reason: 'all', best: null } as const;
  {
    await using _planner = await startPlanner(nats.url, file, { facts: [finished] });
    await expect.poll(() => told.map((runs) => runs.length), WITHIN).toEqual([1, 0]);
  }
  await nats.kill();
  await rm(nats.store, { recursive: true });

  await using emptied = await startNats({ port: nats.port });
  await using _planner = await startPlanner(emptied.url, file, { ledger: 'f'.repeat(64) });
  await expect.poll(() => told.slice(2).map((runs) => runs.length), WITHIN).toEqual([1]);
  expect(told.at(-1)).toMatchObject([{ file: { run: file.run }, paused: false, resumes: 0 }]);
});
