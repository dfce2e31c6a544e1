import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { freePort } from '../../deploy/local/ports.ts';
import { PermanentError, TransientError } from '../../shared/contract/failure.ts';
import { isAlive } from '../support/alive.ts';
import { sampleOf } from '../support/fake-engine.ts';
import { processesOf } from '../support/drill/processes-of.ts';
import { startNats } from '../support/nats.ts';
import { startPlanner } from '../support/planner.ts';
import { startRole } from '../support/role.ts';
import { makeRunFile } from '../support/run.ts';
import { drive, keep, publishWeights, serve, type Setup } from '../support/sampling.ts';
import { sampleUnit, servedNameOf } from '../support/sampling-units.ts';

const program = fileURLToPath(new URL('../support/programs/fake-engine.js', import.meta.url));
const WITHIN = { timeout: 20_000, interval: 50 };

const unitOf = ({ checkpoint }: Setup) => sampleUnit(checkpoint, ['one two'], [{ seed: 3 }]);
const textOf = ({ weights }: Setup) => sampleOf(weights, 3).text;

async function publishTwo() {
  const { path } = await publishWeights();
  return {
    one: await publishWeights('first', path),
    two: await publishWeights('second', path),
    path,
  };
}

const base = 'base weights';

/** Checkpoints of two rounds of LoRA, the second on top of the first. */
async function publishAdapters() {
  const { path } = await publishWeights();
  const adapter = { base_model_name_or_path: base };
  return {
    one: await publishWeights('first', path, { ...adapter, r: 8 }),
    two: await publishWeights('second', path, { ...adapter, r: 16 }),
    path,
  };
}

const lora = { switch: { by: 'lora' } };

test('vLLM loads the adapter of each round under a name of its own', async () => {
  const { one, two } = await publishAdapters();
  const server = await serve(one, { name: 'base', weights: base, maxLoraRank: 16 });
  const { sample, lines } = drive(one, 'vllm', server.url, lora);
  for (const setup of [one, two, one]) expect(await sample(unitOf(setup))).toEqual([textOf(setup)]);
  expect(server.sampled.map(({ model }) => model)).toEqual(
    [one, two, one].map(({ checkpoint }) => servedNameOf(checkpoint)),
  );
  const loaded = lines.filter((line) => line.includes('an adapter of rank'));
  expect(loaded.map((line) => /rank \d+ that belongs to [\w ]+/.exec(line)?.[0])).toEqual([
    `rank 8 that belongs to ${base}`,
    `rank 16 that belongs to ${base}`,
  ]);
});

test('an adapter that is loaded onto another model than its own is found out before the first sample', async () => {
  const { one } = await publishAdapters();
  const server = await serve(one, { name: 'base', weights: 'other', maxLoraRank: 16 });
  const { sample } = drive(one, 'vllm', server.url, lora);
  await expect(sample(unitOf(one))).rejects.toThrow(/does not serve the checkpoint/);
  expect(server.sampled).toEqual([]);
});

test.each([
  ['of a higher rank than it was started for', { maxLoraRank: 8 }, /greater than max_lora_rank 8/],
  ['by a server that was started without them', {}, /VLLM_ALLOW_RUNTIME_LORA_UPDATING=True/],
])('an adapter is not loaded %s, and how to start it is said', async (_, options, words) => {
  const { two } = await publishAdapters();
  const server = await serve(two, { name: 'base', weights: base, ...options });
  const refused = drive(two, 'vllm', server.url, lora).sample(unitOf(two));
  await expect(refused).rejects.toThrow(PermanentError);
  await expect(refused).rejects.toThrow(words);
  await expect(refused).rejects.toThrow(`the model ${base}, --enable-lora, --max-lora-rank 16`);
});

test('a checkpoint without an adapter is sampled where it is served as the base, under its own name', async () => {
  const { path } = await publishWeights();
  const start = await publishWeights(base, path);
  const other = await serve(start, { name: 'base', maxLoraRank: 16 });
  const refused = drive(start, 'vllm', other.url, lora).sample(unitOf(start));
  await expect(refused).rejects.toThrow(PermanentError);
  await expect(refused).rejects.toThrow(
    `as --served-model-name ${servedNameOf(start.checkpoint)}, and adapters that are trained on it`,
  );
  const server = await serve(start, { maxLoraRank: 16 });
  const { sample } = drive(start, 'vllm', server.url, lora);
  const round = await publishWeights('first', path, { base_model_name_or_path: base, r: 8 });
  for (const setup of [start, round]) expect(await sample(unitOf(setup))).toEqual([textOf(setup)]);
});

test('SGLang reads the weights from disk, and what it serves is told by their version', async () => {
  const { one, two } = await publishTwo();
  const server = await serve(one, { engine: 'sglang', name: 'whatever' });
  const { sample } = drive(one, 'sglang', server.url, { switch: { by: 'disk' } });
  for (const setup of [one, two, one]) expect(await sample(unitOf(setup))).toEqual([textOf(setup)]);
});

test('vLLM in development reads the weights in place, and is asked under the name of its start', async () => {
  const { one, two } = await publishTwo();
  const server = await serve(one, { development: true, name: 'whatever' });
  const { sample } = drive(one, 'vllm', server.url, { switch: { by: 'disk' } });
  for (const setup of [one, two, one]) expect(await sample(unitOf(setup))).toEqual([textOf(setup)]);
  expect(new Set(server.sampled.map(({ model }) => model))).toEqual(new Set(['whatever']));
  expect(server.sampled.map(({ cache_salt: salt }) => salt)).toEqual(
    [one, two, one].map(({ checkpoint }) => servedNameOf(checkpoint)),
  );
});

test('vLLM without those routes is told how to be started', async () => {
  const { one } = await publishTwo();
  const server = await serve(one, { name: 'whatever' });
  const { sample } = drive(one, 'vllm', server.url, { switch: { by: 'disk' } });
  const refused = sample(unitOf(one));
  await expect(refused).rejects.toThrow(PermanentError);
  await expect(refused).rejects.toThrow(/VLLM_SERVER_DEV_MODE=1/);
});

test.each(['sglang', 'vllm'] as const)(
  'an update from disk that changes nothing is found out (%s)',
  async (engine) => {
    const { one, two } = await publishTwo();
    const server = await serve(one, { engine, stale: true, development: true, name: 'whatever' });
    const { sample } = drive(one, engine, server.url, { switch: { by: 'disk' } });
    expect(await sample(unitOf(one))).toEqual([textOf(one)]);
    await expect(sample(unitOf(two))).rejects.toThrow(/does not serve the checkpoint/);
    expect(server.sampled).toHaveLength(1);
  },
);

test('transformers serve loads the folder that a request names, with every sampling field', async () => {
  const { one, two } = await publishTwo();
  const server = await serve(one, { engine: 'transformers' });
  const { sample } = drive(one, 'transformers', server.url);
  for (const setup of [one, two, one]) expect(await sample(unitOf(setup))).toEqual([textOf(setup)]);
  const neutral = { top_k: 0, top_p: 1, min_p: 0, repetition_penalty: 1, do_sample: true };
  expect(server.sampled[0]).toMatchObject({ ...neutral, temperature: 0.5, seed: 3 });
  await sample({ ...unitOf(two), stop: { text: '<end>', tokens: [1, 5] } });
  expect(server.sampled.at(-1)).toMatchObject({ ...neutral, eos_token_id: [1, 5] });
});

/** A profile's child: the fake engine, which says where it runs. */
const child = (engine = 'vllm') => ({
  by: 'child',
  command: [process.execPath, program, engine, '{port}', '{name}', '{checkpoint}'],
});

async function freeUrl(): Promise<string> {
  return `http://127.0.0.1:${await freePort()}`;
}

test('a child is started for each checkpoint, and ended with the sampler', async () => {
  const { one, two } = await publishTwo();
  const url = await freeUrl();
  const { sample, close } = drive(one, 'vllm', url, { switch: child() });
  for (const setup of [one, two, one]) expect(await sample(unitOf(setup))).toEqual([textOf(setup)]);
  await close();
  await expect(fetch(`${url}/v1/models`)).rejects.toThrow('fetch failed');
});

test('transformers serve is a child that is pinned to each folder', async () => {
  const { one, two } = await publishTwo();
  const by = { switch: child('transformers') };
  const { sample } = drive(one, 'transformers', await freeUrl(), by);
  for (const setup of [one, two]) expect(await sample(unitOf(setup))).toEqual([textOf(setup)]);
});

test('a child that died is started again', async () => {
  const { one, path } = await publishTwo();
  const { sample } = drive(one, 'vllm', await freeUrl(), { switch: child() });
  await sample(unitOf(one));
  const pid = pidOf(one);
  process.kill(Number(pid), 'SIGKILL');
  await expect.poll(() => isAlive(pid), WITHIN).toBe(false);
  const again = (): Promise<unknown> => sample(unitOf(one)).catch(() => undefined);
  await expect.poll(again, WITHIN).toEqual([textOf(one)]);
  expect(await readFile(join(path, 'servers', 'gpu-0.log'), 'utf8')).toContain('SIGKILL');
});

test('a child that does not come to serve says why, and after three starts someone has to look', async () => {
  const { one } = await publishTwo();
  await writeFile(join(one.checkpoints, one.checkpoint, 'broken'), '');
  const { sample } = drive(one, 'vllm', await freeUrl(), { switch: child() });
  const failure = () => sample(unitOf(one)).catch((error: unknown) => error);
  const failures = [await failure(), await failure(), await failure()];
  expect(failures.map((error) => error instanceof PermanentError)).toEqual([false, false, true]);
  expect(failures[0]).toBeInstanceOf(TransientError);
  expect(String(failures[0])).toContain('CUDA out of memory');
});

test('a child does not take the place of a server that somebody else started', async () => {
  const { one } = await publishTwo();
  const server = await serve(one);
  const { sample } = drive(one, 'vllm', server.url, { switch: child() });
  await expect(sample(unitOf(one))).rejects.toThrow(/another server answers at/);
});

/** Restarts what listens, in the background, as a service manager does. */
const restarter = `
const { spawn } = require('node:child_process');
const { readFileSync, writeFileSync } = require('node:fs');
const [program, port, name, checkpoint, pidFile] = process.argv.slice(1);
try { process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL'); } catch {}
const child = spawn(process.execPath, [program, 'llamacpp', port, name, checkpoint], { detached: true, stdio: 'ignore' });
writeFileSync(pidFile, String(child.pid));
console.log('restarted for ' + name);
child.unref();
`;

test("a command of the user's restarts the server, and what it says is logged", async () => {
  const { one, two, path } = await publishTwo();
  const pidFile = join(path, 'pid');
  const words = ['{port}', '{name}', '{checkpoint}', pidFile];
  const by = { by: 'command', command: [process.execPath, '-e', restarter, program, ...words] };
  const { sample, lines } = drive(one, 'llamacpp', await freeUrl(), { switch: by });
  keep({
    [Symbol.asyncDispose]: async () => {
      process.kill(Number(await readFile(pidFile, 'utf8')), 'SIGKILL');
    },
  });
  for (const setup of [one, two]) expect(await sample(unitOf(setup))).toEqual([textOf(setup)]);
  expect(lines.some((line) => line.includes(`restarted for ${servedNameOf(two.checkpoint)}`))).toBe(
    true,
  );
});

test('a command that fails is tried again, one that cannot be run is not', async () => {
  const { one } = await publishTwo();
  const server = await serve(one, { name: 'old' });
  const failing = {
    by: 'command',
    command: [process.execPath, '-e', 'console.error("no quota"); process.exit(3)'],
  };
  const { sample } = drive(one, 'vllm', server.url, { switch: failing });
  const failed = sample(unitOf(one));
  await expect(failed).rejects.toThrow(TransientError);
  await expect(failed).rejects.toThrow(/exit code 3: no quota/);
  const missing = { by: 'command', command: ['/nowhere/switch', '{name}'] };
  const other = drive(one, 'vllm', server.url, { switch: missing });
  await expect(other.sample(unitOf(one))).rejects.toThrow(PermanentError);
});

test('no server outlives a sampler that is killed', async () => {
  const { one, path } = await publishTwo();
  const nats = keep(await startNats());
  const planner = keep(await startPlanner(nats.url, makeRunFile()));
  const serverProfile = { driver: 'vllm', url: await freeUrl(), switch: child() };
  const where = { natsUrl: nats.url, folder: path, serverProfile };
  const sampler = keep(await startRole('sampler', { ...where, peer: 'sampler-1' }));
  const unit = { ...unitOf(one), run: makeRunFile().run, server: 'local' };
  await planner.offer(unit);
  await expect.poll(() => planner.results.length, WITHIN).toBe(1);
  const pid = pidOf(one);
  expect(isAlive(pid)).toBe(true);
  sampler.kill('SIGKILL');
  await expect.poll(() => isAlive(pid), WITHIN).toBe(false);
});

/** The process that serves a checkpoint. */
function pidOf({ checkpoint }: Setup): string {
  const found = processesOf(checkpoint).find(({ command }) =>
    command.startsWith(`${process.execPath} ${program}`),
  );
  if (found === undefined) throw new Error('nothing serves it');
  return String(found.pid);
}
