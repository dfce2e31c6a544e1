import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** A server that takes a port and greets. */
export async function startGreeter(greeting: string): Promise<AsyncDisposable & { port: number }> {
  const server = createServer((socket) => socket.end(greeting));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}
