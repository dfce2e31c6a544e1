import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { pino, type Logger } from 'pino';
import { createRegistry } from './registry.ts';
import { createCompletionServer } from './server.ts';

const GRACE_MS = 30_000;

export interface ServeOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Threads of each model. */
  workers: number;
}

/**
 * Serves until SIGTERM, SIGINT or the loss of the parent's IPC channel, then finishes the requests in hand. Says where
 * it listens in one JSON line on stdout. Rejects when it cannot listen.
 */
export async function serve({ host, port, workers }: ServeOptions): Promise<void> {
  const log = pino({ name: 'tinylm' }, pino.destination({ fd: 2, sync: true }));
  const stop = stopSignal(log);
  const registry = createRegistry({ workers, log });
  const server = createCompletionServer({ registry, log, stop });
  server.http.listen(port, host);
  await once(server.http, 'listening').catch((error: unknown) => {
    const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    throw taken
      ? new Error(`port ${port} of ${host} is taken: choose another, or 0 for a free one`)
      : error;
  });
  const { port: bound } = server.http.address() as AddressInfo;
  const name = host.includes(':') ? `[${host}]` : host;
  process.stdout.write(
    `${JSON.stringify({ event: 'listening', url: `http://${name}:${bound}` })}\n`,
  );
  await aborted(stop);
  log.info('stopping');
  await server.drain();
  await registry.close();
  log.info('stopped');
}

/**
 * Aborts when the process is asked to end or its parent's IPC channel has closed. A second signal, or work still in
 * hand after the grace period, ends it at once with exit code 1.
 */
function stopSignal(log: Logger): AbortSignal {
  const stop = new AbortController();
  const ask = () => {
    if (stop.signal.aborted) return;
    stop.abort();
    setTimeout(() => {
      log.error({ graceMs: GRACE_MS }, 'did not stop in time');
      process.exit(1);
    }, GRACE_MS).unref();
  };
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(1);
    ask();
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal).once('disconnect', ask);
  return stop.signal;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
