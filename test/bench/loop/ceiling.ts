/**
 * What JetStream itself can do here: messages that are published, delivered to two worker processes, answered by a stored result and then
 * acked, with as much under way at once as helps. No schema, no ledger, no plan.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  AckPolicy,
  jetstreamManager,
  type JetStreamManager,
  RetentionPolicy,
} from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

export const ceilingNames = {
  work: 'BENCH_WORK',
  workSubject: 'bench.work',
  result: 'BENCH_RESULT',
  resultSubject: 'bench.result',
  durable: 'bench',
} as const;

/** The mean sizes of what travels in units of one candidate of this bench. */
const WORK_BYTES = 1100;
export const RESULT_BYTES = 500;

const WORKERS = 2;
const UNDER_WAY = 128;
const POLL_MS = 10;

/** Messages a second that one server carries. */
export async function measureCeiling(natsUrl: string, messages: number): Promise<number> {
  const connection = await connect({ servers: natsUrl });
  const manager = await jetstreamManager(connection);
  await declare(manager);
  const program = fileURLToPath(new URL('ceiling-worker.js', import.meta.url));
  const workers = Array.from({ length: WORKERS }, () => fork(program, [natsUrl]));
  try {
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    const start = performance.now();
    await publishAll(manager, messages);
    await untilSettled(manager, messages);
    return messages / ((performance.now() - start) / 1000);
  } finally {
    for (const worker of workers) worker.kill('SIGKILL');
    await manager.streams.delete(ceilingNames.work);
    await manager.streams.delete(ceilingNames.result);
    await connection.close();
  }
}

async function declare(manager: JetStreamManager): Promise<void> {
  const { work, workSubject, result, resultSubject, durable } = ceilingNames;
  const retention = RetentionPolicy.Workqueue;
  await manager.streams.add({ name: work, subjects: [workSubject], retention });
  await manager.streams.add({ name: result, subjects: [resultSubject], retention });
  await manager.consumers.add(work, { durable_name: durable, ack_policy: AckPolicy.Explicit });
}

async function publishAll(manager: JetStreamManager, messages: number): Promise<void> {
  const client = manager.jetstream();
  const payload = 'x'.repeat(WORK_BYTES);
  let left = messages;
  const publishSome = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await client.publish(ceilingNames.workSubject, payload);
    }
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, publishSome));
}

async function untilSettled(manager: JetStreamManager, messages: number): Promise<void> {
  for (;;) {
    const { state: work } = await manager.streams.info(ceilingNames.work);
    const { state: result } = await manager.streams.info(ceilingNames.result);
    if (work.messages === 0 && result.messages >= messages) return;
    await delay(POLL_MS);
  }
}
