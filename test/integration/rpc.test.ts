import { once } from 'node:events';
import { pino } from 'pino';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { GoneError, PermanentError, TransientError } from '../../shared/contract/failure.ts';
import type { Tls } from '../../shared/process/environment.ts';
import { onAbort } from '../../shared/process/signal.ts';
import { curatorClient, readStream, unary } from '../../shared/rpc/client.ts';
import { ConflictError } from '../../shared/rpc/failure.ts';
import type { CuratorServiceHandlers } from '../../shared/rpc/generated/reset/v1/CuratorService.ts';
import { CuratorService } from '../../shared/rpc/load.ts';
import { handleStream, handleUnary, serveRpc } from '../../shared/rpc/server.ts';
import { makeCertificates } from '../support/certificates.ts';

const log = pino({ level: 'silent' });
const never = new AbortController().signal;

/** A curator that answers what the tests ask for; each handler is one behaviour. */
function handlersOf(part: Partial<CuratorServiceHandlers>): CuratorServiceHandlers {
  const refuse = handleUnary(() => Promise.reject(new Error('not part of this test')));
  const none = handleStream(async function* none() {});
  return {
    AppendFact: refuse,
    Explain: refuse,
    OpenRun: refuse,
    ReadUnit: refuse,
    StartCurate: refuse,
    StartEvaluate: refuse,
    ReadAnswers: none,
    ReadDataset: none,
    ReadEvaluation: none,
    ReadJournal: none,
    Recurate: none,
    Watch: none,
    ...part,
  };
}

async function serve(part: Partial<CuratorServiceHandlers>, tls?: Tls) {
  const server = await serveRpc({
    host: '127.0.0.1',
    port: 0,
    tls,
    log,
    add: ({ addService }) => {
      addService(CuratorService.service, handlersOf(part));
    },
  });
  const client = curatorClient(server.address, tls);
  return {
    server,
    client,
    [Symbol.asyncDispose]: async () => {
      client.close();
      await server.close();
    },
  };
}

test('a call brings its answer, with 64-bit numbers as numbers', async () => {
  await using peer = await serve({
    AppendFact: handleUnary((request: { expectedLength: number }) =>
      Promise.resolve({ length: request.expectedLength + 1 }),
    ),
  });
  const append = peer.client.appendFact.bind(peer.client);
  const request = { run: 'r', expectedLength: 7_000_000_000, fact: '{}' };
  const answer = await unary(append, request, { deadlineMs: 5000, signal: never });
  expect(answer.length).toBe(7_000_000_001);
});

test.each([
  ['a permanent error', new PermanentError('no such run'), PermanentError],
  ['what was removed', new GoneError('removed after round 3'), GoneError],
  ['a conflict', new ConflictError('the journal has 4 facts'), ConflictError],
  ['a transient error', new TransientError('draining'), TransientError],
  ['a bug', new TypeError('x is undefined'), PermanentError],
])('%s keeps its kind and message over the wire', async (_, thrown, kind) => {
  await using peer = await serve({ StartCurate: handleUnary(() => Promise.reject(thrown)) });
  const call = unary(
    peer.client.startCurate.bind(peer.client),
    {},
    { deadlineMs: 5000, signal: never },
  );
  await expect(call).rejects.toThrow(kind);
  await expect(call).rejects.toThrow(thrown.message);
});

test('a deadline that passes is transient', async () => {
  await using peer = await serve({ OpenRun: handleUnary(() => new Promise(() => undefined)) });
  const call = unary(peer.client.openRun.bind(peer.client), {}, { deadlineMs: 50, signal: never });
  await expect(call).rejects.toThrow(TransientError);
});

test('an abort cancels the call, and the handler learns it', async () => {
  const events = new EventTarget();
  const started = once(events, 'started');
  let gone = false;
  await using peer = await serve({
    OpenRun: handleUnary((_, signal) => {
      events.dispatchEvent(new Event('started'));
      onAbort(signal, () => {
        gone = true;
      });
      return new Promise(() => undefined);
    }),
  });
  const stop = new AbortController();
  const limits = { deadlineMs: 5000, signal: stop.signal };
  const call = unary(peer.client.openRun.bind(peer.client), {}, limits);
  await started;
  stop.abort(new Error('enough'));
  await expect(call).rejects.toThrow('enough');
  await expect.poll(() => gone).toBe(true);
});

test('a stream waits for a slow reader and brings every message in order', async () => {
  let written = 0;
  const chunk = Buffer.alloc(64 * 1024);
  await using peer = await serve({
    ReadDataset: handleStream(async function* chunks() {
      for (; written < 200; written += 1) yield await Promise.resolve({ chunk });
    }),
  });
  let read = 0;
  for await (const message of readStream(() => peer.client.readDataset({}), { signal: never })) {
    if (read === 0) await setTimeout(100);
    if (read === 0) expect(written).toBeLessThan(200);
    expect(message.chunk).toHaveLength(chunk.length);
    read += 1;
  }
  expect(read).toBe(200);
});

test('leaving a stream ends the handler', async () => {
  let ended = false;
  await using peer = await serve({ Watch: endless(() => (ended = true)) });
  for await (const message of readStream(() => peer.client.watch({}), { signal: never })) {
    expect(message.progress).toBe('{}');
    break;
  }
  await expect.poll(() => ended).toBe(true);
});

test('a server that closes ends open streams as transient, and at once', async () => {
  let ended = false;
  await using peer = await serve({ Watch: endless(() => (ended = true)) });
  const messages = readStream(() => peer.client.watch({}), { signal: never });
  await messages.next();
  const startedAt = performance.now();
  const [next] = await Promise.allSettled([messages.next(), peer.server.close()]);
  expect(next).toMatchObject({ status: 'rejected', reason: expect.any(TransientError) as unknown });
  expect(performance.now() - startedAt).toBeLessThan(2000);
  await expect.poll(() => ended).toBe(true);
});

test('an error in the middle of a stream keeps its kind', async () => {
  await using peer = await serve({
    ReadJournal: handleStream(async function* broken() {
      yield await Promise.resolve({ position: 0, fact: '{}', at: 1 });
      throw new PermanentError('the journal is damaged at 1');
    }),
  });
  const messages = readStream(() => peer.client.readJournal({}), { signal: never });
  await expect(messages.next()).resolves.toMatchObject({ value: { position: 0 } });
  await expect(messages.next()).rejects.toThrow(PermanentError);
});

test('a peer that is not there is transient', async () => {
  const client = curatorClient('127.0.0.1:1');
  const limits = { deadlineMs: 2000, signal: never };
  await expect(unary(client.openRun.bind(client), {}, limits)).rejects.toThrow(TransientError);
  client.close();
});

test('a taken port is named, with what to do', async () => {
  await using peer = await serve({});
  const port = Number(peer.server.address.split(':')[1]);
  const second = serveRpc({ host: '127.0.0.1', port, log, add: () => undefined });
  await expect(second).rejects.toThrow(new RegExp(`:${port}: .*RESET_GRPC_PORT`));
});

test('with certificates, a caller without one is refused', async () => {
  const tls = await makeCertificates();
  await using peer = await serve(
    { OpenRun: handleUnary(() => Promise.resolve({ opened: true })) },
    tls,
  );
  const limits = { deadlineMs: 5000, signal: never };
  const known = peer.client;
  await expect(unary(known.openRun.bind(known), {}, limits)).resolves.toEqual({ opened: true });
  const stranger = curatorClient(peer.server.address);
  await expect(unary(stranger.openRun.bind(stranger), {}, limits)).rejects.toThrow(TransientError);
  stranger.close();
});

/** Says one thing and then waits until nobody listens. */
function endless(end: () => void) {
  return handleStream(async function* wait(_: unknown, signal) {
    yield { progress: '{}' };
    await once(signal, 'abort');
    end();
  });
}
