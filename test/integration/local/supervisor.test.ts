import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Holder, isRunning } from '#local/lock.mjs';
import type { ChildSpec } from '../../../deploy/local/child.ts';
import { natsConfig } from '../../../deploy/local/nats-config.ts';
import { findNatsServer } from '../../../deploy/local/nats-server.ts';
import { endOrphans } from '../../../deploy/local/orphans.ts';
import { natsProcess } from '../../../deploy/local/processes.ts';
import { type StateFolder, stateFolder } from '../../../deploy/local/state-folder.ts';
import { createSupervisor } from '../../../deploy/local/supervisor.ts';

let root = '';
let state: StateFolder;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'reset-supervisor-'));
  state = stateFolder(root);
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

/** A program given as text; `record(what)` appends to `<root>/facts`. */
function program(name: string, text: string): ChildSpec {
  const record = `const record = (what) => require('node:fs').appendFileSync(${JSON.stringify(
    join(root, 'facts'),
  )}, what + '\\n');`;
  return {
    name,
    command: process.execPath,
    args: ['-e', `${record} ${text}`],
    env: process.env,
    ipc: true,
  };
}

/** Ends as roles do: on SIGTERM, or when its supervisor is gone. */
const obedient = (name: string): ChildSpec =>
  program(
    name,
    `record('${name} up ' + process.pid);
     for (const end of ['SIGTERM', 'disconnect'])
       process.on(end, () => { record('${name} ' + end); process.exit(0); });`,
  );

function facts(): string[] {
  const path = join(root, 'facts');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
}

function recordedPids(): Holder[] {
  if (!existsSync(state.pids)) return [];
  return readdirSync(state.pids).map(
    (name) => JSON.parse(readFileSync(join(state.pids, name), 'utf8')) as Holder,
  );
}

async function superviseElsewhere(specs: readonly ChildSpec[]): Promise<ChildProcess> {
  const path = join(import.meta.dirname, '../../support/supervise.js');
  const host = spawn(process.execPath, [path, JSON.stringify({ folders: state, specs })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(host.stdout, 'data');
  return host;
}

test('groups end in the reverse order of their start', async () => {
  const supervisor = createSupervisor(state);
  supervisor.start([obedient('server')]);
  supervisor.start([obedient('role')]);
  await expect.poll(() => facts().length).toBe(2);
  await supervisor.stop();
  expect(facts().slice(2)).toEqual(['role SIGTERM', 'server SIGTERM']);
  expect(recordedPids()).toEqual([]);
});

test('a child that is killed comes back under another pid', async () => {
  const supervisor = createSupervisor(state);
  supervisor.start([obedient('role')]);
  await expect.poll(() => facts().length).toBe(1);
  const [first] = recordedPids();
  process.kill(first?.pid ?? 0, 'SIGKILL');
  await expect.poll(() => facts().length).toBe(2);
  expect(recordedPids()[0]?.pid).not.toBe(first?.pid);
  await supervisor.stop();
});

test('a child that dies at once five times ends it all, with its name and its last words', async () => {
  const supervisor = createSupervisor(state);
  supervisor.start([program('judge-1', "console.error('no such judge'); process.exit(3)")]);
  await expect(supervisor.failed).rejects.toThrow(
    /^judge-1 died 5 times in a row, at last with exit code 3\. Its log .*judge-1\.log ends with:\n(no such judge\n?){5}$/,
  );
  await supervisor.stop();
}, 20_000);

test('a program that is not there is a death like any other', async () => {
  const supervisor = createSupervisor(state);
  supervisor.start([{ ...obedient('role'), command: join(root, 'nothing') }]);
  await expect(supervisor.failed).rejects.toThrow('ENOENT');
  await supervisor.stop();
}, 20_000);

test('a child that does not listen is killed', async () => {
  const supervisor = createSupervisor(state);
  supervisor.start([
    program(
      'deaf',
      "process.on('SIGTERM', () => record('heard')); setInterval(() => 0, 1000); record('up')",
    ),
  ]);
  await expect.poll(() => facts().length).toBe(1);
  const [deaf] = recordedPids();
  const stopped = supervisor.stop();
  await expect.poll(() => facts().length).toBe(2);
  supervisor.kill();
  await stopped;
  expect(deaf && isRunning(deaf)).toBe(false);
});

test('roles end with a killed supervisor, and its nats-server is ended by the next start', async () => {
  mkdirSync(state.nats);
  writeFileSync(state.natsConfig, natsConfig({ port: -1, store: state.nats, syncAlways: false }));
  const nats = natsProcess(await findNatsServer(), state, process.env);
  const host = await superviseElsewhere([nats, obedient('role')]);
  await expect.poll(() => facts().length).toBe(1);
  await expect.poll(() => existsSync(state.natsPid)).toBe(true);
  const left = recordedPids();
  expect(left).toHaveLength(2);
  host.kill('SIGKILL');
  await expect.poll(() => facts().at(-1)).toBe('role disconnect');
  await expect.poll(() => left.filter(isRunning)).toHaveLength(1);
  const said: string[] = [];
  await endOrphans(state, (line) => said.push(line), AbortSignal.timeout(10_000));
  expect(said.join()).toMatch(/ending nats-server \(pid \d+\), which a killed start left behind/);
  expect(left.filter(isRunning)).toEqual([]);
});

test('a nats-server is recognised by its store when its pid was not written down any more', async () => {
  mkdirSync(state.nats);
  writeFileSync(state.natsConfig, natsConfig({ port: -1, store: state.nats, syncAlways: false }));
  const host = await superviseElsewhere([natsProcess(await findNatsServer(), state, process.env)]);
  await expect.poll(() => existsSync(state.natsPid)).toBe(true);
  const left = recordedPids();
  host.kill('SIGKILL');
  await rm(state.pids, { recursive: true });
  await endOrphans(state, () => undefined, AbortSignal.timeout(10_000));
  expect(left.filter(isRunning)).toEqual([]);
});

test('a stranger that has the pid of an earlier child is left alone', async () => {
  mkdirSync(state.pids);
  const stranger = { name: 'judge-1', pid: process.pid, startTime: 'of another life' };
  writeFileSync(join(state.pids, 'judge-1.json'), JSON.stringify(stranger));
  writeFileSync(state.natsPid, String(process.pid));
  await endOrphans(state, () => undefined, AbortSignal.timeout(10_000));
  expect(existsSync(state.pids)).toBe(false);
});
