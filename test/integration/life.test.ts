import { expect, test } from 'vitest';
import { startProgram, type Child } from '../support/child.ts';

const messages = (child: Child): unknown[] =>
  child.lines.map((line) => (JSON.parse(line) as { msg: unknown }).msg);

async function startReady(behaviour: string): Promise<Child> {
  const child = startProgram('live', [behaviour], { RESET_PEER: 'judge-1' });
  await expect.poll(() => messages(child)).toContain('ready');
  return child;
}

test('SIGTERM lets the work in hand end, closes in reverse order and exits 0', async () => {
  await using child = await startReady('drains');
  child.kill('SIGTERM');
  expect(await child.ended).toBe(0);
  expect(messages(child)).toEqual([
    'ready',
    'stopping',
    'unit in hand is done',
    'drained',
    'closed second',
    'closed first',
    'stopped',
  ]);
  expect(JSON.parse(child.lines[0] ?? '')).toMatchObject({ role: 'judge', peer: 'judge-1' });
});

test('the end of the parent ends the process', async () => {
  await using child = await startReady('drains');
  child.disconnect();
  expect(await child.ended).toBe(0);
});

test('a wait that the stop ends is no failure', async () => {
  await using child = await startReady('sleeps');
  child.kill('SIGINT');
  expect(await child.ended).toBe(0);
});

test('a body that ends by itself exits 0', async () => {
  await using child = await startReady('ends');
  expect(await child.ended).toBe(0);
});

test('a body that throws is logged once, what it opened is closed, and it exits 1', async () => {
  await using child = await startReady('throws');
  expect(await child.ended).toBe(1);
  expect(messages(child)).toEqual(['ready', 'failed', 'closed second', 'closed first', 'stopped']);
  expect(child.lines.join('\n').match(/no such ledger/g)).toHaveLength(2);
});

test('a second signal ends a process that hangs, at once', async () => {
  await using child = await startReady('hangs');
  child.kill('SIGTERM');
  await expect.poll(() => messages(child)).toContain('stopping');
  child.kill('SIGTERM');
  expect(await child.ended).toBe(1);
  expect(messages(child)).toContain('told to stop twice');
});

test('a resource that cannot be closed does not keep the others open', async () => {
  await using child = await startReady('close fails');
  child.kill('SIGTERM');
  expect(await child.ended).toBe(1);
  expect(messages(child)).toContain('closed first');
});
