/**
 * A load source as a process of its own: `fork(program, [options as JSON])` sends `ready`, then makes all requests once it is told to, so many
 * at once, and sends how many were answered. It ends with its parent.
 */
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { OpenAI } from 'openai';
import type { GeneratorOptions } from './load.ts';

process.on('disconnect', () => process.exit(0));

const {
  by,
  urls,
  concurrency,
  bodies: path,
} = JSON.parse(process.argv[2] ?? '') as GeneratorOptions;
const bodies = (await readFile(path, 'utf8')).trimEnd().split('\n');
const agent = new Agent({ keepAlive: true, maxFreeSockets: concurrency });
const clients = urls.map(
  (url) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 }),
);

const sends = {
  openai: async (at: number): Promise<unknown> =>
    clients[at % urls.length]?.completions.create(
      JSON.parse(bodies[at] ?? '') as OpenAI.CompletionCreateParamsNonStreaming,
    ),
  raw: (at: number): Promise<unknown> =>
    post(`${urls[at % urls.length]}/v1/completions`, bodies[at]),
};

function post(url: string, body = ''): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    request(url, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        if (response.statusCode === 200)
          resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')));
        else reject(new Error(`the server answers ${response.statusCode}`));
      });
    })
      .on('error', reject)
      .end(body);
  });
}

process.once('message', () => void runAll());
process.send?.('ready');

async function runAll(): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < bodies.length) {
      next += 1;
      await sends[by](next - 1);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, one));
  process.send?.(next);
}
