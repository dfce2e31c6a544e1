import type { Directory } from '../bus/bus.ts';
import { TransientError } from '../contract/failure.ts';
import { JudgeUnit, SampleUnit, type UnitReference, type Work } from '../contract/work.ts';
import type { Tls } from '../process/environment.ts';
import { curatorClient, unary } from './client.ts';

const CALL_MS = 10_000;
const Unit = { sample: SampleUnit, judge: JudgeUnit };

/** The unit itself: as it is, or read from the curator of its run where a reference stands for it. TransientError while that one is away. */
export async function readWhole(
  work: Work,
  { directory, tls }: { directory: Directory; tls?: Tls | undefined },
  signal: AbortSignal,
): Promise<SampleUnit | JudgeUnit> {
  if (work.kind !== 'reference') return work;
  const binding = await directory.binding(work.run);
  if (binding === undefined) throw new TransientError(`run ${work.run} is bound to no curator`);
  const client = curatorClient(binding.grpc, tls);
  try {
    return await readUnit(client, work, signal);
  } finally {
    client.close();
  }
}

async function readUnit(
  client: ReturnType<typeof curatorClient>,
  { run, queue, unit }: UnitReference,
  signal: AbortSignal,
): Promise<SampleUnit | JudgeUnit> {
  const request = { run, queue, unit };
  const { unit: text } = await unary(client.readUnit.bind(client), request, {
    deadlineMs: CALL_MS,
    signal,
  });
  return Unit[queue === 'sample' ? 'sample' : 'judge'].parse(JSON.parse(text));
}
