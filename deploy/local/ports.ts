import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** Whether nothing listens on this loopback port. */
export async function isFree(port: number): Promise<boolean> {
  return (await listenOnce(port)) !== undefined;
}

/** A loopback port that nothing listens on: `preferred` if it is one, else any. */
export async function freePort(preferred?: number): Promise<number> {
  const port = preferred === undefined ? undefined : await listenOnce(preferred);
  const any = port ?? (await listenOnce(0));
  if (any === undefined) throw new Error('no free port on 127.0.0.1');
  return any;
}

async function listenOnce(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  } catch {
    return undefined;
  } finally {
    server.close();
  }
}
