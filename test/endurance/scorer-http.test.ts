import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createHttpScorer } from '../../agents/judges/scorers/http.ts';
import type { JudgedRow } from '../../agents/judges/types/judge.ts';
import { TransientError } from '../../shared/contract/failure.ts';

const example = fileURLToPath(new URL('../../../deploy/demo/scorers/length.mjs', import.meta.url));
const { signal } = new AbortController();
const row: JudgedRow = { instruction: null, context: 'context', question: null, references: [] };

interface Asked {
  version: number;
  row: JudgedRow;
  answer: string;
}
type Behaviour = (response: ServerResponse, asked: Asked) => void;

/** A service that does `behave` with a POST, and knows no GET unless `look` is given. */
async function serve(behave: Behaviour, look?: (response: ServerResponse) => void) {
  let closed = 0;
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'POST') behave(response, (await json(request)) as Asked);
    else if (look === undefined) reply(501, 'Unsupported method')(response);
    else look(response);
  }
  const server = createServer((request, response) => {
    response.on('close', () => (closed += 1));
    void answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/score`;
  const scorer = createHttpScorer({ url, deadlineMs: 500 });
  return {
    scorer,
    closed: () => closed,
    ask: (answer = 'an answer') => scorer.score(row, answer, signal),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function reply(status: number, body: unknown, headers: Record<string, string> = {}) {
  return (response: ServerResponse): void => {
    response.writeHead(status, headers);
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

/** Does the first on the first call, the second on the next, the last one from then on. */
function inTurn(...behaviours: Behaviour[]): Behaviour {
  let calls = 0;
  return (response, asked) => {
    const behave = behaviours[Math.min(calls, behaviours.length - 1)];
    calls += 1;
    behave?.(response, asked);
  };
}

const half = { outcome: 'scored', value: 0.5, details: {} };

test('the row and the answer arrive, and the value comes back', async () => {
  await using service = await serve((response, asked) => {
    reply(200, { value: 0.5, details: { asked } })(response);
  });
  expect(await service.ask()).toEqual({
    ...half,
    details: { asked: { version: 1, row: { ...row, constraints: [] }, answer: 'an answer' } },
  });
});

test('a body that is no answer leaves the text unscored, never with a number', async () => {
  for (const body of [
    '{"value":0.5',
    '{"value":NaN}',
    '{"value":1.5}',
    '{"value":-1}',
    '{"value":1e999}',
    '{"score":1}',
    '<html>',
    '',
  ]) {
    await using service = await serve(reply(200, body));
    expect(await service.ask(), body).toMatchObject({ outcome: 'unscored', cause: 'malformed' });
  }
});

test('no more than 1 MiB of a body is read', async () => {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  let sent = 0;
  await using service = await serve((response) => {
    const more = (): void => {
      while (sent < 100 * 1024 * 1024) {
        sent += chunk.length;
        if (!response.write(chunk)) {
          response.once('drain', more);
          return;
        }
      }
      response.end();
    };
    more();
  });
  expect(await service.ask()).toMatchObject({
    cause: 'malformed',
    reason: expect.stringContaining('more than 1048576 bytes') as string,
  });
  await expect.poll(service.closed).toBe(1);
  expect(sent).toBeLessThan(50 * 1024 * 1024);
});

test('what the service refuses is unscored with its words; a redirect is not followed', async () => {
  for (const status of [400, 404, 422]) {
    await using service = await serve(reply(status, 'the answer is in Klingon'));
    expect(await service.ask()).toEqual({
      outcome: 'unscored',
      cause: 'provider-error',
      reason: `the scorer answers ${status}: the answer is in Klingon`,
    });
  }
  await using other = await serve(reply(200, { value: 1 }));
  void other;
  await using service = await serve(reply(307, '', { location: 'http://127.0.0.1:9/' }));
  expect(await service.ask()).toMatchObject({ cause: 'provider-error' });
});

test('a service that is busy or away is asked again later, when it wishes', async () => {
  const inAMinute = (): string => new Date(Date.now() + 60_000).toUTCString();
  for (const [headers, least, most] of [
    [{ 'retry-after': '7' }, 7000, 7000],
    [{ 'retry-after': inAMinute() }, 50_000, 60_000],
  ] as const) {
    await using service = await serve(inTurn(reply(429, 'slow down', headers), reply(200, half)));
    const error = await service.ask().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(TransientError);
    const wish = (error as TransientError).retryAfterMs ?? 0;
    expect(wish).toBeGreaterThanOrEqual(least);
    expect(wish).toBeLessThanOrEqual(most);
  }
  for (const status of [429, 500, 502, 503]) {
    await using service = await serve(inTurn(reply(status, 'no'), reply(200, { value: 0.5 })));
    await expect(service.ask(), String(status)).rejects.toThrow(TransientError);
    expect(await service.ask()).toEqual(half);
  }
  const away = await serve(reply(200, { value: 1 }));
  await away[Symbol.asyncDispose]();
  await expect(away.ask()).rejects.toThrow(/cannot reach the scorer .*ECONNREFUSED/);
});

test('a connection that breaks, before or within the body, is asked again', async () => {
  await using service = await serve(
    inTurn(
      (response) => response.destroy(),
      (response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"value":', () => response.destroy());
      },
      reply(200, { value: 0.5 }),
    ),
  );
  await expect(service.ask()).rejects.toThrow(TransientError);
  await expect(service.ask()).rejects.toThrow(TransientError);
  expect(await service.ask()).toEqual(half);
});

test('a text with which the service stalls, drips or fails four times in a row is unscored', async () => {
  const stall: Behaviour = () => undefined;
  const drip: Behaviour = (response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write(' '), 20);
    response.once('close', () => {
      clearInterval(timer);
    });
  };
  for (const misbehave of [stall, drip, reply(500, 'crash')]) {
    await using service = await serve((response, asked) => {
      (asked.answer === 'poison' ? misbehave : reply(200, { value: 0.5 }))(response, asked);
    });
    for (let tries = 1; tries < 4; tries += 1)
      await expect(service.ask('poison')).rejects.toThrow(TransientError);
    expect(await service.ask('fine')).toEqual(half);
    expect(await service.ask('poison')).toMatchObject({ cause: 'provider-error' });
  }
});

test('a peer that stops gives its question up at once', async () => {
  await using service = await serve(() => undefined);
  const stop = new AbortController();
  const asked = service.scorer.score(row, 'an answer', stop.signal);
  stop.abort(new Error('the peer is stopping'));
  await expect(asked).rejects.toThrow('the peer is stopping');
});

test('who answers is asked by GET, or read from an answer, or unknown', async () => {
  await using byGet = await serve(reply(200, { value: 1 }), reply(200, { scorer: 'tone@1' }));
  expect(await byGet.scorer.identity(signal)).toBe('tone@1');
  await using byAnswer = await serve(reply(200, { value: 1, scorer: 'tone@2' }));
  expect(await byAnswer.scorer.identity(signal)).toBe('tone@2');
  await using nameless = await serve(reply(200, { value: 1 }), reply(200, 'hello'));
  expect(await nameless.scorer.identity(signal)).toBe(null);
  await using starting = await serve(
    inTurn(reply(503, 'loading'), reply(200, { value: 1, scorer: 'x' })),
  );
  await expect(starting.scorer.identity(signal)).rejects.toThrow(TransientError);
  expect(await starting.scorer.identity(signal)).toBe('x');
});

test('values of a service that was exchanged are not filed under the one before', async () => {
  const version = (scorer: string) => reply(200, { value: 0.5, scorer });
  await using service = await serve(
    inTurn(version('tone@1'), version('tone@1'), version('tone@2')),
  );
  expect(await service.scorer.identity(signal)).toBe('tone@1');
  expect(await service.ask()).toEqual(half);
  expect(await service.ask()).toMatchObject({
    cause: 'malformed',
    reason: expect.stringContaining('is tone@2 now and was tone@1') as string,
  });
});

test('the example of the README answers by the protocol', async () => {
  const child = spawn(process.execPath, [example, '--port', '0']);
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const scorer = createHttpScorer({ url: line.toString().trim(), deadlineMs: 30_000 });
    expect(await scorer.identity(signal)).toBe('length@1');
    expect(await scorer.score(row, 'two words', signal)).toMatchObject({ value: 1 });
    expect(await scorer.score(row, '', signal)).toMatchObject({ reason: 'the answer is empty' });
  } finally {
    child.kill();
  }
});
