/** What the command line says through a pipe: all of it to a slow reader, no complaint to one that goes, no wait for one that stops. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const LINES = 20_000;
const output = fileURLToPath(import.meta.resolve('../../coordinator/cli/output.js'));
const program = `
  const { endWithReader, exitWith } = await import(${JSON.stringify(output)});
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  endWithReader();
  for (let i = 0; i < ${LINES}; i++) process.stdout.write('x'.repeat(99) + '\\n');
  await exitWith(3, stop.signal);`;

function speak() {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program]);
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => ({ code: code as unknown, complaint }));
  return { child, ended };
}

test('a reader that is slower than the program gets every line, and then the exit code', async () => {
  const { child, ended } = speak();
  let bytes = 0;
  for await (const chunk of child.stdout) {
    bytes += (chunk as Buffer).length;
    await delay(1);
  }
  expect(bytes).toBe(LINES * 100);
  expect(await ended).toEqual({ code: 3, complaint: '' });
});

test('a reader that goes early, such as head, ends the program without a complaint', async () => {
  const { child, ended } = speak();
  await once(child.stdout, 'data');
  child.stdout.destroy();
  expect(await ended).toEqual({ code: 0, complaint: '' });
});

test('a program whose reader reads no more still ends when it is told to', async () => {
  const { child, ended } = speak();
  await once(child.stdout, 'readable');
  child.kill('SIGTERM');
  await once(child, 'exit');
  child.stdout.resume();
  expect(await ended).toEqual({ code: 3, complaint: '' });
});
