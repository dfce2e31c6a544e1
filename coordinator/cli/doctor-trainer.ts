import { messageOf } from '../../shared/contract/failure.ts';
import type { Presence } from '../../shared/contract/peer.ts';
import { TrainerDescription } from '../../shared/contract/steps.ts';
import { trainerClient, unary } from '../../shared/rpc/client.ts';
import type { Finding } from './finding.ts';

/** It starts a Python for each back-end that names one. */
const DESCRIBE_MS = 30_000;
const GIB = 1024 ** 3;

/** What a trainer on the bus has to train with, and what its back-ends lack. */
export async function askTrainer(
  { peer, grpc }: Presence & { grpc: string },
  signal: AbortSignal,
): Promise<Finding> {
  const client = trainerClient(grpc);
  try {
    const { machine } = await unary(
      client.describe.bind(client),
      {},
      { deadlineMs: DESCRIBE_MS, signal },
    );
    return findingOf(peer, TrainerDescription.parse(JSON.parse(machine)));
  } catch (error) {
    return {
      check: `trainer ${peer}`,
      ok: false,
      found: `does not say what it has: ${messageOf(error)}`,
      fix: 'look at its log, and start it again if need be',
    };
  } finally {
    client.close();
  }
}

/** The description as doctor shows it: not ok where a back-end cannot train. */
export function findingOf(
  peer: string,
  { gpus, memoryBytes, cores, versions, problems }: TrainerDescription,
): Finding {
  const backends = Object.entries(versions).map(
    ([backend, found]) => `${backend}: ${Object.entries(found).map(versionWords).join(', ')}`,
  );
  const fixes = Object.entries(problems).flatMap(([backend, all]) =>
    all.map((problem) => `${backend}: ${problem}`),
  );
  return {
    check: `trainer ${peer}`,
    ok: fixes.length === 0,
    found: [
      gpuWords(gpus),
      `${cores} cores, ${(memoryBytes / GIB).toFixed(0)} GiB`,
      ...backends,
    ].join('; '),
    ...(fixes.length === 0 ? {} : { fix: fixes.join('\n      ') }),
  };
}

function versionWords([name, version]: [string, string]): string {
  return `${name} ${version === '' ? 'missing' : version}`;
}

/** Equal ones together, such as `8 × NVIDIA A100 (80 GiB, driver 550.54)`. */
function gpuWords(gpus: TrainerDescription['gpus']): string {
  const counts = new Map<string, number>();
  for (const { name, memoryBytes, driver } of gpus) {
    const words = `${name} (${(memoryBytes / GIB).toFixed(0)} GiB, driver ${driver})`;
    counts.set(words, (counts.get(words) ?? 0) + 1);
  }
  const all = [...counts].map(([words, count]) => `${count} × ${words}`);
  return all.length === 0 ? 'no GPU' : all.join(', ');
}
