/** What `bootstrap.mjs` does on a Node that is new enough. Plain JavaScript without packages: there may be none yet. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { build, root } from './build.mjs';
import { holderOf, takeLock } from './lock.mjs';
import { setUpDeepSpeed, testDeepSpeed } from './python.mjs';
import { setUpServers, testServers } from './servers.mjs';

const modules = join(root, 'node_modules');
const stamp = join(modules, '.reset-loop-packages');

/** What runs after the preparation, by the first argument; each sets the exit code or ends the process. */
export const programs = {
  start: (_, args) => runHere('deploy/local/main.js', args),
  reproduce: (_, args) => runHere('deploy/demo/reproduce/main.js', args),
  test: (_, args) => runTests(args),
  'setup:deepspeed': () => setUpDeepSpeed(),
  'test:deepspeed': async () => process.exit(await testDeepSpeed(runVitest)),
  'setup:servers': () => setUpServers(),
  'test:servers': async () => process.exit(await testServers(runVitest)),
  cli: (command, args) => runHere('coordinator/cli/main.js', [command, ...args]),
};

/** Installs and builds where needed. One at a time in a clone: a second one waits and finds the work done. */
export async function prepare() {
  try {
    const lock = await takeTurn();
    try {
      installPackages();
      build((step) => say(`building ${step}`));
    } finally {
      lock.release();
    }
  } catch (cause) {
    if (!['EACCES', 'EROFS', 'ENOSPC'].includes(cause.code)) throw cause;
    const reason = cause.code === 'ENOSPC' ? 'the disk is full' : 'it cannot be written';
    throw new Error(`cannot prepare ${root}: ${reason} (${cause.message})`, { cause });
  }
}

function say(line) {
  process.stderr.write(`reset-loop: ${line}\n`);
}

async function takeTurn() {
  const path = join(root, 'dist/.preparing');
  mkdirSync(join(root, 'dist'), { recursive: true });
  for (let told = false; ;) {
    const lock = takeLock(path);
    if (lock.holder === undefined) return lock;
    if (!told) say(`waiting for pid ${lock.holder.pid}, which installs or builds here`);
    told = true;
    while (holderOf(path) !== undefined) await delay(100);
  }
}

/** A `node_modules` that is a link belongs to somebody else and is taken as it is. */
function installPackages() {
  const found = lstatSync(modules, { throwIfNoEntry: false });
  if (found?.isSymbolicLink()) return;
  const lockfile = readFileSync(join(root, 'package-lock.json'));
  const digest = createHash('sha256').update(lockfile).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  if (!isInstalled(JSON.parse(lockfile))) runNpm();
  writeFileSync(stamp, digest);
}

/** Whether npm installed exactly these packages before, by its own record; platforms' optional ones may be absent. */
function isInstalled(lockfile) {
  const record = join(modules, '.package-lock.json');
  if (!existsSync(record)) return false;
  const has = JSON.parse(readFileSync(record, 'utf8')).packages;
  return Object.entries(lockfile.packages).every(
    ([path, { version, optional }]) =>
      path === '' || (has[path]?.version ?? (optional ? version : undefined)) === version,
  );
}

function runNpm() {
  say('installing npm packages (about half a minute, once)');
  const plain = ['--include=dev', '--ignore-scripts', '--no-audit', '--no-fund'];
  // npm would wait for more than a minute before it says that there is no network.
  const patience = ['--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000'];
  const args = ['ci', ...plain, ...patience, '--loglevel=error'];
  const { error, status, signal, stderr } = spawnSync('npm', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (signal !== null) process.kill(process.pid, signal);
  if (error === undefined && status === 0) return;
  const said = (stderr ?? '')
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^npm error +at /.test(line));
  const lastWords = error?.message ?? said.slice(0, 6).join('\n  ');
  throw new Error(
    `npm ci failed:\n  ${lastWords}\nThe first start needs npm and its registry: check the network (or npm's proxy and registry settings) and start again. Later starts are offline.`,
  );
}

/** Runs a compiled program in this process, so that signals reach it and its exit code is ours. */
async function runHere(program, args) {
  const path = join(root, 'dist', program);
  process.argv = [process.execPath, path, ...args];
  await import(pathToFileURL(path).href);
}

/** Everything that is quick enough for each change. */
const quick = ['unit', 'integration', 'simulation', 'e2e'].flatMap((name) => ['--project', name]);

async function runTests(args) {
  const { findNatsServer } = await import(
    pathToFileURL(join(root, 'dist/deploy/local/nats-server.js')).href
  );
  await findNatsServer({ say });
  const suite = args.length > 0 ? args : quick;
  process.exit(await runVitest(['run', '--passWithNoTests', ...suite]));
}

function runVitest(args) {
  const child = spawn(process.execPath, [join(modules, 'vitest/vitest.mjs'), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  const pass = (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, pass);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      for (const name of ['SIGINT', 'SIGTERM']) process.off(name, pass);
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}
