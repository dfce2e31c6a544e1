import { unary } from '../../shared/rpc/client.ts';
import { connectCluster, type ClusterOptions } from './cluster.ts';
import { exits } from './exit.ts';
import { openLedger } from './ledger.ts';
import { chosenRun } from './watch.ts';

export type Control = 'pause' | 'resume' | 'stop';

const CALL_MS = 15_000;
const done: Record<Control, string> = {
  pause: 'paused; the step in hand goes on to its end, no other begins',
  resume: 'goes on',
  stop: 'stopped; its best round so far stands in the result',
};

/** Pauses, resumes or stops a run. May be repeated. */
export async function control(
  action: Control,
  name: string | undefined,
  options: ClusterOptions & { json: boolean },
  signal: AbortSignal,
): Promise<number> {
  const ledger = await openLedger(options, signal);
  const run = await chosenRun(ledger, name);
  await ledger.close();
  const cluster = await connectCluster(options, signal);
  try {
    const coordinator = await cluster.coordinator(signal);
    await unary(
      coordinator[action].bind(coordinator),
      { run, reason: '' },
      { deadlineMs: CALL_MS, signal },
    );
    process.stdout.write(
      options.json ? `${JSON.stringify({ event: action, run })}\n` : `${run} ${done[action]}\n`,
    );
    return exits.done;
  } finally {
    await cluster.close();
  }
}
