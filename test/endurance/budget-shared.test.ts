/** A curator, the calls of a coordinator and four judges as processes on a real bus, behind them an API that costs: nobody spends above the budget. */
import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { connectCurator } from '../../coordinator/curator.ts';
import { createPeers } from '../../coordinator/peers.ts';
import { Runs } from '../../coordinator/runs.ts';
import { coordinatorService } from '../../coordinator/service.ts';
import { connectBus } from '../../shared/bus/nats.ts';
import { systemClock as clock } from '../../shared/process/clock.ts';
import { keepPresent } from '../../shared/process/presence.ts';
import { CoordinatorService } from '../../shared/rpc/load.ts';
import { serveRpc } from '../../shared/rpc/server.ts';
import { makeRound, startWorkers } from '../support/curating.ts';
import { type FakeCall, startFakeOpenAi } from '../support/fake-openai.ts';
import { judgesWithGpt, paidRun } from '../support/paid.ts';
import { startRole } from '../support/role.ts';

const { signal } = new AbortController();
setMaxListeners(0, signal);
const PEERS = 4;
const LANES = 8;
/** US dollars of a token, tokens of an answer of the fake, and more than a call of this test costs. */
const USD = 0.001;
const ANSWER_TOKENS = 5;
const MOST_USD = 0.5;
const BUDGET = 10;
const WITHIN = { timeout: 60_000, interval: 20 };

/** What the provider would send a bill for. */
function billOf(calls: readonly FakeCall[]): number {
  const tokens = calls.map(
    ({ body }) => body.messages.flatMap(({ content }) => content.split(/\s+/)).length,
  );
  return tokens.reduce((sum, count) => sum + USD * (count + ANSWER_TOKENS), 0);
}

/** What answers when a judge asks for a pause; it drives no run. */
async function answerPauses(natsUrl: string): Promise<void> {
  const log = pino({ level: 'silent' });
  const stop = new AbortController();
  const peer = 'coordinator-1';
  const options = { natsUrl, role: 'coordinator' as const, peer, ackWaitMs: 2000, log, signal };
  const { bus, directory } = await connectBus(options);
  const peers = createPeers(directory, undefined);
  const runs = new Runs({ directory, peers, clock, log });
  const service = coordinatorService({ peers, runs, log, signal: stop.signal });
  const rpc = await serveRpc({
    host: '127.0.0.1',
    port: 0,
    log,
    add: (services) => {
      services.addService(CoordinatorService.service, service);
    },
  });
  const role = 'coordinator' as const;
  const presence = { peer, role, grpc: rpc.address, http: 'http://127.0.0.1:1', offers: [] };
  const present = keepPresent(directory, presence, stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await present;
    await rpc.close();
    await bus.close();
  });
}

test.each(['usd', 'usdPerRound'] as const)(
  'four peers of eight lanes keep below budget.%s, with a kill -9, and a resume grants as much again',
  { timeout: 150_000 },
  async (budget) => {
    const judges = judgesWithGpt.map((one) =>
      one.name === 'gpt' ? { ...one, maxTokens: 16 } : one,
    );
    const changes = { ...paidRun, judges, budget: { [budget]: BUDGET } };
    const { folder, nats, curator, calls } = await makeRound(48, changes);
    await using server = await startFakeOpenAi();
    server.always({ delayMs: 40 });
    const prices = { 'gpt-4': { prompt: 1e6 * USD, completion: 1e6 * USD } };
    const providers = { openai: { url: server.url, concurrency: LANES, prices } };
    const env = { RESET_JUDGES: 'gpt' };
    const peer = { natsUrl: nats.url, folder: join(folder, 'peers'), providers, env };
    await answerPauses(nats.url);
    const names = Array.from({ length: PEERS }, (_, at) => `judge-${at}`);
    const started = await Promise.all(
      names.map((name) => startRole('judge', { ...peer, peer: name })),
    );
    onTestFinished(async () => {
      for (const one of started) await one[Symbol.asyncDispose]();
    });
    const [victim] = started;
    await using _workers = await startWorkers(nats.url, undefined, ['em', 'span']);
    const connected = connectCurator(curator.grpc, 'test', undefined);
    const last = async () => (await connected.facts(signal)).at(-1);
    const isPaused = async (): Promise<boolean> => (await last())?.fact === 'run.paused';

    await calls.start('r1');
    // In the middle: some are in flight, and some of the money is set aside.
    await expect.poll(() => server.calls.length, WITHIN).toBeGreaterThan(6);
    victim?.kill('SIGKILL');
    await expect.poll(isPaused, WITHIN).toBe(true);
    expect(await last()).toMatchObject({ fact: 'run.paused', budget });
    const reason = `^budget\\.${budget}: \\$[0-9.]+ of \\$${BUDGET} are spent .*; resume grants as much again$`;
    expect(await last()).toHaveProperty('reason', expect.stringMatching(new RegExp(reason)));
    // Of the rest the killed one had set aside what its calls might cost and a block for more, and each other has too little for one more.
    const block = BUDGET / 8;
    expect(billOf(server.calls)).toBeGreaterThan(BUDGET - block - (LANES + PEERS) * MOST_USD);

    let resumes = 0;
    const outcome = calls.curate('r1');
    const isSealed = outcome.then((ended) => ended.outcome === 'sealed');
    while (await Promise.race([isSealed.then(() => false), expectPause()])) {
      // What the one that was killed had in flight is on the bill alone, once the purse is filled again.
      const lost = resumes === 0 ? 0 : LANES * MOST_USD;
      expect(billOf(server.calls)).toBeLessThanOrEqual((resumes + 1) * BUDGET + lost);
      resumes += 1;
      await connected.append(
        (await connected.facts(signal)).length,
        { fact: 'run.resumed' },
        signal,
      );
      await calls.start('r1', resumes);
    }
    async function expectPause(): Promise<boolean> {
      await expect.poll(isPaused, WITHIN).toBe(true);
      return true;
    }
    const sealed = await outcome;
    const gpt = sealed.outcome === 'sealed' ? sealed.judges['gpt'] : undefined;
    expect(gpt?.unscored).toEqual({});
    expect(resumes).toBeGreaterThan(0);
    // The ledger has all that the provider has, but for what the killed one had in flight and who answers.
    const usd = gpt?.usd ?? 0;
    expect(usd).toBeLessThanOrEqual(billOf(server.calls));
    expect(usd).toBeGreaterThan(billOf(server.calls) - (LANES + PEERS) * MOST_USD);
  },
);
