import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

const program = fileURLToPath(new URL('../../shared/tinylm/main.js', import.meta.url));

export interface TinylmServer extends AsyncDisposable {
  url: string;
  process: ChildProcess;
  /** What the server has written to stderr so far. */
  log(): string;
}

/** A real `tinylm serve` on a free port, with an IPC channel to the test; gone when it is disposed of. */
export async function startTinylm(...args: string[]): Promise<TinylmServer> {
  const child = spawn(process.execPath, [program, 'serve', ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  if (child.stdout === null) throw new Error('the server has no stdout');
  const exited = once(child, 'exit').then(() => {
    throw new Error(`tinylm serve ended before it listened: ${log}`);
  });
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), exited])) as [
    string,
  ];
  exited.catch(() => {});
  const { url } = JSON.parse(line) as { url: string };
  return {
    url,
    process: child,
    log: () => log,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}

export interface Health {
  models: string[];
  samples_in_hand: number;
  prefilled_tokens: number;
  generated_tokens: number;
}

/** What `GET /health` of the server says now. */
export async function health({ url }: TinylmServer): Promise<Health> {
  return (await (await fetch(`${url}/health`)).json()) as Health;
}

/** Posts `body` as JSON, and reads the answer whatever its status. */
export async function post(
  { url }: TinylmServer,
  path: string,
  body: unknown,
  signal: AbortSignal | null = null,
) {
  const response = await fetch(url + path, { method: 'POST', body: JSON.stringify(body), signal });
  const answer: unknown = await response.json();
  return { status: response.status, headers: response.headers, body: answer };
}

/**
 * Posts all `bodies` to `path` in one write on one connection, so that the server has them within a millisecond, and
 * reads the answers, all of them with status 200.
 */
export async function postTogether(
  { url }: TinylmServer,
  path: string,
  bodies: readonly string[],
): Promise<unknown[]> {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  const requests = bodies.map((body, i) => {
    const connection = i === bodies.length - 1 ? 'close' : 'keep-alive';
    const length = Buffer.byteLength(body);
    return `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: ${connection}\r\nContent-Length: ${length}\r\n\r\n${body}`;
  });
  socket.write(requests.join(''));
  let received = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) received += chunk.toString();
  return received
    .split('HTTP/1.1 200 OK')
    .slice(1)
    .map((answer): unknown => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))));
}

const turns = [
  { prompt: 'Where does Ada live? Ada lives in Paris.', completion: ' Paris.' },
  { prompt: 'Bob likes soup and rice. What does Bob like?', completion: ' soup and rice.' },
];

/** Trains a model of one small layer for two steps in the folder `job`, so that its samples differ; returns its folder. */
export async function trainCheckpoint(job: string): Promise<string> {
  await mkdir(job, { recursive: true });
  const shard = join(job, 'shard-000.jsonl');
  const rows = turns.map((turn, i) => ({ id: `row-${i}`, dataset: 'tiny', turns: [turn] }));
  await writeFile(shard, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const config = {
    hidden_size: 32,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    intermediate_size: 64,
    max_position_embeddings: 256,
  };
  const spec = join(job, 'spec.json');
  const output = join(job, 'output');
  const training = { steps: 2, batchSize: 2 };
  const about = { version: 1, job: 'tiny', seed: 1, model: { from: null, config } };
  const data = { train: [shard] };
  await writeFile(spec, JSON.stringify({ ...about, data, output, training }));
  await run(process.execPath, [program, 'train', spec, '--workers', '1']);
  return output;
}
