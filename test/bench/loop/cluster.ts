/** The real curator and judges on a real nats-server, driven as a coordinator drives them. */
import { join } from 'node:path';
import type { RunFile } from '../../../shared/contract/run-file.ts';
import { CurateOutcome } from '../../../shared/contract/steps.ts';
import { curatorClient, readStream, unary } from '../../../shared/rpc/client.ts';
import { type CuratorProcess, startCurator } from '../../support/curator.ts';
import { startNats, type TestNats } from '../../support/nats.ts';
import { startRole } from '../../support/role.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { createParts } from '../parts.ts';
import { cpuSeconds, type Pids } from './figures.ts';
import { type Workload, writeWorkload } from './workload.ts';

export type Durability = 'default' | 'always';

export interface Cluster extends AsyncDisposable {
  readonly nats: TestNats;
  readonly folder: string;
  readonly file: RunFile;
  readonly curator: CuratorProcess;
  readonly pids: () => Pids;
  /** Starts the curator of the same ledger again after it was killed. */
  restartCurator(): Promise<void>;
}

/** What the product sets; the helpers of the tests wait shorter. */
export const environment = { RESET_ACK_WAIT_MS: '30000', RESET_LOG_LEVEL: 'info' };

const { signal } = new AbortController();
const options = { deadlineMs: 120_000, signal };

/** Starts everything but a sampler, and opens a run of the workload. */
export async function startCluster(durability: Durability, workload: Workload): Promise<Cluster> {
  const { use, end } = createParts();
  try {
    const { path: folder } = use(await temporaryFolder());
    const nats = use(await startNats({ syncAlways: durability === 'always' }));
    const startOne = async (): Promise<CuratorProcess> =>
      use(
        await startCurator({ natsUrl: nats.url, state: join(folder, 'curator'), env: environment }),
      );
    let curator = await startOne();
    const common = { natsUrl: nats.url, folder, env: environment };
    const judges = [
      use(await startRole('judge', { ...common, peer: 'judge-1' })),
      use(await startRole('judge', { ...common, peer: 'judge-2' })),
    ];
    const file = await writeWorkload(folder, workload);
    await openRun(curator, file);
    return {
      nats,
      folder,
      file,
      get curator() {
        return curator;
      },
      pids: () => [
        ['curator', curator.pid],
        ...judges.map(({ pid }) => ['judges', pid] as const),
        ['nats-server', nats.pid],
      ],
      restartCurator: async () => {
        curator = await startOne();
      },
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

async function openRun({ grpc }: CuratorProcess, file: RunFile): Promise<void> {
  const client = curatorClient(grpc);
  await unary(client.openRun.bind(client), { runFile: JSON.stringify(file) }, options);
  client.close();
}

export interface Round {
  readonly seconds: number;
  /** Microseconds of processor time for each candidate, by role. */
  readonly cpu: Readonly<Record<string, number>>;
}

/** Opens a round and asks for its dataset. */
export async function openRound(
  { curator, file: { run } }: Cluster,
  round: number,
  incumbent: string,
): Promise<void> {
  const client = curatorClient(curator.grpc);
  const step = `r${round}`;
  const fact = JSON.stringify({ fact: 'round.opened', step, round, incumbent });
  await unary(client.appendFact.bind(client), { run, expectedLength: round, fact }, options);
  await unary(client.startCurate.bind(client), { run, step, attempt: 0 }, options);
  client.close();
}

/** Waits until a round's dataset is sealed with every candidate scored. */
export async function untilSealed(
  { curator, file: { run } }: Cluster,
  round: number,
  candidates: number,
): Promise<void> {
  const client = curatorClient(curator.grpc);
  try {
    const request = { run, step: `r${round}`, task: 'curate' };
    for await (const { outcome } of readStream(() => client.watch(request), { signal })) {
      if (outcome === undefined) continue;
      const sealed = CurateOutcome.parse(JSON.parse(outcome));
      if (sealed.outcome === 'sealed' && sealed.candidates.scored === candidates) return;
      throw new Error(`the round did not end as it should: ${outcome}`);
    }
    throw new Error('the curator ended the stream without an outcome');
  } finally {
    client.close();
  }
}

/** Measures a whole round, from its opening to the sealed dataset. */
export async function measureRound(
  cluster: Cluster,
  round: number,
  incumbent: string,
  candidates: number,
  pids: Pids,
): Promise<Round> {
  const before = await cpuSeconds(pids);
  const start = performance.now();
  await openRound(cluster, round, incumbent);
  await untilSealed(cluster, round, candidates);
  const seconds = (performance.now() - start) / 1000;
  const after = await cpuSeconds(pids);
  const cpu = Array.from(after, ([role, used]): [string, number] => [
    role,
    Math.round(((used - (before.get(role) ?? 0)) * 1e6) / candidates),
  ]);
  return { seconds, cpu: Object.fromEntries(cpu) };
}
