import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { messageOf } from '../../shared/contract/failure.ts';
import { isAtLeast, minimumNatsVersion } from './version.ts';

/** What a nats-server says of itself before anything else. */
const ServerInfo = z.object({ version: z.string(), jetstream: z.boolean().default(false) });
type ServerInfo = z.infer<typeof ServerInfo>;

/** Reads the INFO line of the server at `url` (`nats://host:port`). Throws where none answers within 3 s. */
export async function readServerInfo(url: string): Promise<ServerInfo> {
  const { hostname, port } = new URL(url.includes('://') ? url : `nats://${url}`);
  const line = await new Promise<string>((resolve, reject) => {
    const socket = connect({ host: hostname, port: port === '' ? 4222 : Number(port) });
    let text = '';
    socket.setTimeout(3_000, () => socket.destroy(new Error('no answer within 3 s')));
    socket.on('data', (chunk) => {
      text += chunk.toString();
      if (text.includes('\r\n')) socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      resolve(text);
    });
  });
  const info = /^INFO (\{.*\})/.exec(line)?.[1];
  if (info === undefined) throw new Error('what answers there is not a nats-server');
  return ServerInfo.parse(JSON.parse(info));
}

/** Refuses a server that `NATS_URL` names and that cannot carry a run, with what to do about it. */
export async function checkServer(url: string): Promise<void> {
  let info: ServerInfo;
  try {
    info = await readServerInfo(url);
  } catch (error) {
    throw new Error(
      `no nats-server answers at ${url} (NATS_URL): ${messageOf(error)}. Start it, or unset NATS_URL so that one is started here.`,
      { cause: error },
    );
  }
  if (!isAtLeast(info.version, minimumNatsVersion)) {
    throw new Error(
      `the nats-server at ${url} (NATS_URL) is ${info.version}; ${minimumNatsVersion} or newer is needed. Upgrade it, or unset NATS_URL so that one is started here.`,
    );
  }
  if (!info.jetstream) {
    throw new Error(
      `the nats-server at ${url} (NATS_URL) runs without JetStream. Start it with -js, or unset NATS_URL so that one is started here.`,
    );
  }
}

/** Waits until `check` succeeds; throws its last reason after `timeoutMs`. */
export async function waitUntil(
  what: string,
  check: () => Promise<unknown>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() > end) {
        throw new Error(`${what} is not up after ${timeoutMs / 1000} s: ${messageOf(error)}`, {
          cause: error,
        });
      }
    }
    await delay(20, undefined, { signal });
  }
}
