import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const Ready = z.object({ msg: z.literal('ready'), grpc: z.string(), http: z.string() });

/** A curator as its own process. */
export interface CuratorProcess extends AsyncDisposable {
  readonly pid: number;
  readonly grpc: string;
  readonly http: string;
  readonly log: readonly string[];
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Its exit code, once it has ended; null where a signal ended it. */
  exited(): Promise<number | null>;
}

export interface CuratorOptions {
  natsUrl: string;
  state: string;
  peer?: string;
  env?: Readonly<Record<string, string>>;
}

/** Starts `agents/curator/main.js` and waits until it is ready; throws with its log when it ends before. */
export async function startCurator(options: CuratorOptions): Promise<CuratorProcess> {
  const { natsUrl, state, peer = 'curator-1', env = {} } = options;
  const main = fileURLToPath(new URL('../../agents/curator/main.js', import.meta.url));
  const child = spawn(process.execPath, [main], {
    env: {
      ...process.env,
      RESET_NATS_URL: natsUrl,
      RESET_PEER: peer,
      RESET_STATE: state,
      RESET_CHECKPOINTS: state,
      RESET_ACK_WAIT_MS: '2000',
      ...env,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exit = once(child, 'exit') as Promise<[number | null]>;
  const log: string[] = [];
  const { grpc, http } = await untilReady(child, log);
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await exit;
  };
  return {
    pid: child.pid ?? 0,
    grpc,
    http,
    log,
    kill,
    exited: async () => (await exit)[0],
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) await kill('SIGKILL');
    },
  };
}

function untilReady(child: ChildProcess, log: string[]): Promise<z.infer<typeof Ready>> {
  return new Promise((resolve, reject) => {
    if (child.stderr === null) throw new Error('the curator has no stderr');
    const lines = createInterface({ input: child.stderr });
    lines.on('line', (line) => {
      log.push(line);
      const ready = Ready.safeParse(line.startsWith('{') ? JSON.parse(line) : line);
      if (ready.success) resolve(ready.data);
    });
    lines.on('close', () => {
      reject(new Error(`the curator ended:\n${log.join('\n')}`));
    });
  });
}
