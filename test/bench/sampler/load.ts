/** Who asks the servers: our sampler, or a program that makes the same requests one by one, so many at once. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SampleUnit } from '../../../shared/contract/work.ts';
import { startNats } from '../../support/nats.ts';
import { startPlanner } from '../../support/planner.ts';
import { startRole } from '../../support/role.ts';
import { createParts } from '../parts.ts';
import type { Pids } from '../loop/figures.ts';
import { bodiesOf, file } from './workload.ts';

export interface GeneratorOptions {
  /** The client `openai` in a plain loop; or node:http with bodies that were written before. */
  readonly by: 'openai' | 'raw';
  readonly urls: readonly string[];
  readonly concurrency: number;
  /** File of the bodies, one a line. */
  readonly bodies: string;
}

/** A source that is ready to begin. */
export interface Source extends AsyncDisposable {
  readonly pids: Pids;
  /** Has all samples made, and returns when the last one is there. */
  run(): Promise<void>;
}

export interface Asking {
  readonly units: readonly SampleUnit[];
  readonly urls: readonly string[];
  /** A folder for whatever the source needs; the checkpoint is published there. */
  readonly folder: string;
  /** Requests in flight, of a source that does not find it out. */
  readonly concurrency: number;
}

/** What the product sets; the helpers of the tests wait shorter. */
const ACK_WAIT_MS = 30_000;

/** The real sampler, fed over a real nats-server. */
export async function startSampler({ units, urls, folder }: Asking): Promise<Source> {
  const { use, end } = createParts();
  try {
    const nats = use(await startNats());
    let left = units.length;
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const onResult = (): void => {
      left -= 1;
      if (left === 0) finish();
    };
    const planner = use(await startPlanner(nats.url, file, { ackWaitMs: ACK_WAIT_MS, onResult }));
    const sampler = use(
      await startRole('sampler', {
        natsUrl: nats.url,
        folder,
        peer: 'sampler-1',
        serverProfile: { driver: 'vllm', url: urls },
        env: { RESET_ACK_WAIT_MS: String(ACK_WAIT_MS), RESET_LOG_LEVEL: 'info' },
      }),
    );
    return {
      pids: [
        ['asking', sampler.pid],
        ['nats-server', nats.pid],
      ],
      run: async () => {
        await Promise.all(units.map((unit) => planner.offer(unit)));
        await finished;
      },
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

export async function startGenerator(
  by: GeneratorOptions['by'],
  { units, urls, folder, concurrency }: Asking,
): Promise<Source> {
  const bodies = join(folder, 'bodies.jsonl');
  await writeFile(bodies, `${bodiesOf(units).join('\n')}\n`);
  const options: GeneratorOptions = { by, urls, concurrency, bodies };
  const program = fileURLToPath(new URL('generator.js', import.meta.url));
  const child = fork(program, [JSON.stringify(options)]);
  await once(child, 'message');
  return {
    pids: [['asking', child.pid ?? 0]],
    run: async () => {
      const ended = new Promise<void>((resolve, reject) => {
        child.once('message', () => {
          resolve();
        });
        child.once('exit', (code) => {
          reject(new Error(`the load source ended with ${code}`));
        });
      });
      child.send('go');
      await ended;
    },
    [Symbol.asyncDispose]: async () => {
      child.removeAllListeners('exit');
      if (child.exitCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
