import { pino } from 'pino';
import { createLanes } from '../../../shared/bus/lanes.ts';
import { connectBus } from '../../../shared/bus/nats.ts';
import type { SampleResult, SampleUnit } from '../../../shared/contract/work.ts';
import { systemClock } from '../../../shared/process/clock.ts';
import { textOf } from './workload.ts';

const PEER = 'injected-1';
const ACK_WAIT_MS = 30_000;

/** Serves a run's sampling queue through the lanes of the real sampler, with texts that need no model. Ends with `await using`. */
export async function startInjectedSampler(natsUrl: string, run: string): Promise<AsyncDisposable> {
  const log = pino({ level: 'warn' });
  const { signal } = new AbortController();
  const options = { natsUrl, role: 'sampler', peer: PEER, ackWaitMs: ACK_WAIT_MS } as const;
  const { bus } = await connectBus({ ...options, log, signal });
  const lanes = createLanes({
    bus,
    clock: systemClock,
    log,
    role: 'sampler',
    ackWaitMs: ACK_WAIT_MS,
    work: ({ work }) => {
      if (work.kind !== 'sample') throw new Error(`a sampling unit was expected, not ${work.kind}`);
      return Promise.resolve(answerOf(work));
    },
  });
  void lanes.failed.catch((error: unknown) => {
    process.exitCode = 1;
    log.error(error, 'the injected sampler failed');
  });
  lanes.serve([{ kind: 'sample', run }]);
  return {
    [Symbol.asyncDispose]: async () => {
      await lanes.drain(0);
      await bus.close();
    },
  };
}

function answerOf({ run, unit, items }: SampleUnit): SampleResult {
  return {
    kind: 'sample',
    run,
    unit,
    peer: PEER,
    items: items.map(({ example, requests }) => ({
      example,
      generations: requests.map(({ candidate }) => ({
        outcome: 'generated',
        candidate,
        text: textOf(candidate),
        tokens: 125,
        finish: 'stop',
      })),
    })),
  };
}
