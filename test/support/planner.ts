import { pino } from 'pino';
import { connectBus } from '../../shared/bus/nats.ts';
import type { Bus } from '../../shared/bus/bus.ts';
import type { Fact } from '../../shared/contract/facts.ts';
import { digestOf } from '../../shared/contract/ids.ts';
import type { RunFile } from '../../shared/contract/run-file.ts';
import type { Queue } from '../../shared/contract/subjects.ts';
import type { JudgeUnit, Result, SampleUnit } from '../../shared/contract/work.ts';
import { onAbort } from '../../shared/process/signal.ts';
import { CuratorService } from '../../shared/rpc/load.ts';
import { handleStream, handleUnary, serveRpc } from '../../shared/rpc/server.ts';
import { ACK_WAIT_MS } from './role.ts';

type Unit = SampleUnit | JudgeUnit;

/** The curator's side of bus and gRPC for one run, driven by a test: it offers what the test says and keeps every result that comes. */
export interface Planner extends AsyncDisposable {
  readonly bus: Bus;
  readonly results: readonly Result[];
  offer(unit: Unit): Promise<void>;
  /** Offers a reference, and serves the unit itself when a worker asks for it. */
  offerByReference(unit: Unit): Promise<void>;
  /** Names of a queue's units that are queued or in flight. */
  offered(unit: Unit): Promise<readonly string[]>;
}

function queueOf(unit: Unit): Queue {
  return unit.kind === 'sample'
    ? { kind: 'sample', run: unit.run }
    : { kind: 'judge', judge: unit.judge.name };
}

export interface PlannerOptions {
  /** As the workers have it. */
  ackWaitMs?: number;
  /** Told of each result as it comes. */
  onResult?: (result: Result) => void;
  /** What it binds the run to. */
  ledger?: string;
  /** What follows `run.opened` in its journal. */
  facts?: readonly Fact[];
}

export async function startPlanner(
  natsUrl: string,
  file: RunFile,
  { ackWaitMs = ACK_WAIT_MS, onResult = () => undefined, ...options }: PlannerOptions = {},
): Promise<Planner> {
  const { run, judges } = file;
  const { ledger = digestOf(run), facts = [] } = options;
  const stop = new AbortController();
  const log = pino({ level: 'silent' });
  const { bus, directory } = await connectBus({
    natsUrl,
    role: 'curator',
    peer: 'planner',
    ackWaitMs,
    log,
    signal: stop.signal,
  });
  await bus.declare();
  await bus.declareQueue({ kind: 'sample', run });
  for (const { name } of judges) await bus.declareQueue({ kind: 'judge', judge: name });
  await bus.declareResults(run);
  const byReference = new Map<string, Unit>();
  const journal = [{ fact: 'run.opened', run, file, digest: digestOf(file) }, ...facts];
  const rpc = await serveRpc({
    host: '127.0.0.1',
    port: 0,
    log,
    add: (services) => {
      services.addService(CuratorService.service, {
        ReadJournal: handleStream<{ from: number }, object>(async function* ({ from }, signal) {
          for (const [position, fact] of journal.entries())
            if (position >= from) yield { position, fact: JSON.stringify(fact), at: 0 };
          await new Promise<void>((resolve) => {
            onAbort(signal, resolve);
          });
        }),
        ReadUnit: handleUnary(({ unit }: { unit: string }) =>
          Promise.resolve({ unit: JSON.stringify(byReference.get(unit)) }),
        ),
      });
    },
  });
  await directory.bind({ run, ledger, curator: 'planner', grpc: rpc.address });
  const results: Result[] = [];
  const collecting = (async () => {
    for await (const { message, ack } of bus.results(run, stop.signal)) {
      onResult(message);
      await ack();
      results.push(message);
    }
  })();
  return {
    bus,
    results,
    offer: async (unit) => {
      await bus.offer(queueOf(unit), unit);
    },
    offerByReference: async (unit) => {
      byReference.set(unit.unit, unit);
      const queue = unit.kind === 'sample' ? 'sample' : unit.judge.name;
      await bus.offer(queueOf(unit), { kind: 'reference', run, queue, unit: unit.unit });
    },
    offered: async (unit) => [...(await bus.offered(run, queueOf(unit)))],
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await collecting;
      await rpc.close();
      await bus.close();
    },
  };
}
