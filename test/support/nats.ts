import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { natsConfig } from '../../deploy/local/nats-config.ts';
import { findNatsServer } from '../../deploy/local/nats-server.ts';

/** A nats-server with JetStream. `store` and `port` of an earlier one continue it; else both are new. */
export interface NatsOptions {
  store?: string;
  port?: number;
  syncAlways?: boolean;
  /** Counts what passes, see `monitor`. */
  monitored?: boolean;
}

export interface TestNats extends AsyncDisposable {
  url: string;
  port: number;
  store: string;
  pid: number;
  /** URL of its `/varz`, where it was asked for. */
  monitor: string | undefined;
  /** Ends it in order. */
  stop(): Promise<void>;
  /** kill -9; the store stays until `await using` ends. */
  kill(): Promise<void>;
}

/**
 * Starts a real nats-server on a free loopback port and waits until it is ready. `await using` ends it and removes its
 * store, except one that was given.
 */
export async function startNats(options: NatsOptions = {}): Promise<TestNats> {
  const program = await findNatsServer();
  const folder = await mkdtemp(join(tmpdir(), 'reset-nats-'));
  const store = options.store ?? join(folder, 'store');
  const config = join(folder, 'nats.conf');
  const { port: wanted = -1, syncAlways = false, monitored = false } = options;
  const monitoring = monitored ? 'http: "127.0.0.1:-1"\n' : '';
  await writeFile(config, natsConfig({ port: wanted, store, syncAlways }) + monitoring);
  const child = spawn(program, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const { port, monitor } = await portsOf(child);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  return {
    url: `nats://127.0.0.1:${String(port)}`,
    port,
    store,
    pid: child.pid ?? 0,
    monitor,
    stop: async () => {
      await end('SIGINT');
    },
    kill: async () => {
      await end('SIGKILL');
    },
    [Symbol.asyncDispose]: async () => {
      await end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Reads the server's log up to the line that says it is ready; throws with the log if it ends before. */
function portsOf({
  stderr,
}: ChildProcessByStdio<null, null, Readable>): Promise<Pick<TestNats, 'port' | 'monitor'>> {
  return new Promise((resolve, reject) => {
    const log: string[] = [];
    let port = 0;
    let monitor: string | undefined;
    const lines = createInterface({ input: stderr });
    lines.on('line', (line) => {
      log.push(line);
      port = Number(/Listening for client connections on .*:(\d+)/.exec(line)?.[1] ?? port);
      const monitored = /Starting http monitor on (.*)/.exec(line)?.[1];
      if (monitored !== undefined) monitor = `http://${monitored}/varz`;
      if (!line.includes('Server is ready')) return;
      lines.removeAllListeners('line');
      resolve({ port, monitor });
    });
    lines.on('close', () => {
      reject(new Error(`nats-server ended before it was ready:\n${log.join('\n')}`));
    });
  });
}
