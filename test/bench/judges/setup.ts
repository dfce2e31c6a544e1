/** Real judges on a real nats-server, fed by a curator's side that does nothing else. */
import { startNats } from '../../support/nats.ts';
import { startPlanner } from '../../support/planner.ts';
import { type RoleProcess, startRole } from '../../support/role.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { createParts } from '../parts.ts';
import type { Pids } from '../loop/figures.ts';
import { createFeed, type Feed } from './feed.ts';
import { type FakeProvider, startFakeProvider } from './provider.ts';
import { file } from './units.ts';

/** Requests in flight of one judge process. */
export const LANES = 8;
/** What the product sets; the helpers of the tests wait shorter. */
const ACK_WAIT_MS = 30_000;

export interface Setup extends AsyncDisposable {
  readonly provider: FakeProvider;
  readonly feed: Feed;
  /** Starts judges until there are so many. */
  grow(processes: number): Promise<void>;
  /** The processes of the control plane, and of what stands around it. */
  pids(): Pids;
  /** Bytes of messages in and out of the nats-server until now. */
  busBytes(): Promise<number>;
}

export async function startSetup(): Promise<Setup> {
  const { use, end } = createParts();
  try {
    const { path: folder } = use(await temporaryFolder());
    const nats = use(await startNats({ monitored: true }));
    const provider = use(await startFakeProvider());
    const feed = createFeed(async (unit) => planner.offer(unit));
    const planner = use(
      await startPlanner(nats.url, file, { ackWaitMs: ACK_WAIT_MS, onResult: feed.take }),
    );
    const judges: RoleProcess[] = [];
    const startOne = async (): Promise<void> => {
      const judge = await startRole('judge', {
        natsUrl: nats.url,
        folder,
        peer: `judge-${judges.length + 1}`,
        providers: { fake: { url: provider.url, concurrency: LANES, free: true } },
        env: { RESET_ACK_WAIT_MS: String(ACK_WAIT_MS), RESET_LOG_LEVEL: 'info' },
      });
      judges.push(use(judge));
    };
    return {
      provider,
      feed,
      grow: async (processes) => {
        while (judges.length < processes) await startOne();
      },
      pids: () => [
        ...judges.map(({ pid }) => ['judges', pid] as const),
        ['nats-server', nats.pid],
        ['planner', process.pid],
        ['provider', provider.pid],
      ],
      busBytes: async () => bytesOf(nats.monitor),
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

async function bytesOf(monitor: string | undefined): Promise<number> {
  if (monitor === undefined) throw new Error('the nats-server has no monitor');
  const counts = (await (await fetch(monitor)).json()) as { in_bytes: number; out_bytes: number };
  return counts.in_bytes + counts.out_bytes;
}
