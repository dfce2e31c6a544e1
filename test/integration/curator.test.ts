import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { connectBus } from '../../shared/bus/nats.ts';
import type { RunFile } from '../../shared/contract/run-file.ts';
import { CurateOutcome, EvaluateOutcome } from '../../shared/contract/steps.ts';
import { curatorClient, readStream, unary } from '../../shared/rpc/client.ts';
import { answerQueue, type Answering } from '../support/answering.ts';
import { writeRun } from '../support/curated-run.ts';
import { startCurator } from '../support/curator.ts';
import { startNats } from '../support/nats.ts';

const signal = new AbortController().signal;
const log = pino({ level: 'silent' });

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'curator-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** The calls that a coordinator makes. */
function coordinator(address: string) {
  const client = curatorClient(address);
  onTestFinished(() => {
    client.close();
  });
  const options = { deadlineMs: 10_000, signal };
  return {
    open: (file: RunFile) =>
      unary(client.openRun.bind(client), { runFile: JSON.stringify(file) }, options),
    append: (run: string, expectedLength: number, fact: object) =>
      unary(
        client.appendFact.bind(client),
        { run, expectedLength, fact: JSON.stringify(fact) },
        options,
      ),
    async curate(run: string, step: string, attempt = 0) {
      await unary(client.startCurate.bind(client), { run, step, attempt }, options);
      return CurateOutcome.parse(await outcome(run, step, 'curate'));
    },
    async evaluate(run: string, step: string, checkpoint: string, attempt = 0) {
      const request = { run, step, checkpoint, attempt };
      await unary(client.startEvaluate.bind(client), request, options);
      return EvaluateOutcome.parse(await outcome(run, step, 'evaluate'));
    },
    client,
  };
  async function outcome(run: string, step: string, task: string): Promise<unknown> {
    for await (const message of readStream(() => client.watch({ run, step, task }), { signal }))
      if (message.outcome !== undefined) return JSON.parse(message.outcome);
    throw new Error('the stream ended without an outcome');
  }
}

/** Workers for all queues of a run. */
async function startWorkers(natsUrl: string, change?: Answering['change']) {
  const { bus } = await connectBus({
    natsUrl,
    role: 'judge',
    peer: 'worker-1',
    ackWaitMs: 2000,
    log,
    signal,
  });
  const stop = new AbortController();
  const options = {
    bus,
    peer: 'worker-1',
    signal: stop.signal,
    ...(change === undefined ? {} : { change }),
  };
  const judges = ['em', 'span', 'rules'].map((judge) =>
    answerQueue({ kind: 'judge', judge }, options),
  );
  const all = [answerQueue({ kind: 'sample', run: 'test' }, options), ...judges];
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all(all);
      await bus.close();
    },
  };
}

const incumbent = 'a'.repeat(64);
const roundOpened = { fact: 'round.opened', step: 'r1', round: 1, incumbent };

test('a run goes from its start over a round to an evaluation', async () => {
  const folder = makeFolder();
  const file = writeRun(join(folder, 'data'), { rows: 40 });
  await using nats = await startNats();
  await using curator = await startCurator({ natsUrl: nats.url, state: join(folder, 'state') });
  await using _workers = await startWorkers(nats.url);
  const calls = coordinator(curator.grpc);

  expect(await calls.open(file)).toEqual({ opened: true });
  expect(await calls.open(file)).toEqual({ opened: false });
  expect(await calls.curate('test', 'start-0')).toMatchObject({ outcome: 'sealed', rows: 4 });

  expect(await calls.append('test', 1, roundOpened)).toEqual({ length: 2 });
  const sealed = await calls.curate('test', 'r1');
  expect(sealed).toMatchObject({
    outcome: 'sealed',
    rows: 80,
    candidates: { planned: 560, scored: 560, unscored: {} },
  });
  const evaluated = await calls.evaluate('test', 'r1', incumbent);
  expect(evaluated).toMatchObject({ outcome: 'evaluated', dev: { instruction: { n: 10 } } });
});
