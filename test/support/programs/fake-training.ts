/**
 * A training program without a model, which fulfils the contract of shared/contract/training.ts, or breaks it as its mode says:
 * `fake-training <mode> <spec>`. A mode that ends with `-once` misbehaves in its first attempt alone.
 */
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sha256 } from '../../../shared/contract/ids.ts';
import { TrainingSpec } from '../../../shared/contract/training.ts';
import { safetensors } from '../safetensors.ts';

const STEP_MS = 20;
const SLOW_MS = 200;

const specPath = process.argv.at(-1) ?? '';
const folder = dirname(specPath);
const bytes = readFileSync(specPath, 'utf8');
const spec = TrainingSpec.parse(JSON.parse(bytes));
const steps = spec.training.steps ?? 1;
const mode = modeNow(process.argv[2] ?? 'ok');
const state = join(folder, 'fake-state');

function modeNow(wanted: string): string {
  const mark = join(folder, 'misbehaved');
  if (!wanted.endsWith('-once')) return wanted;
  if (existsSync(mark)) return 'ok';
  writeFileSync(mark, '');
  return wanted.replace('-once', '');
}

function report(event: object): void {
  appendFileSync(join(folder, 'progress.jsonl'), `${JSON.stringify(event)}\n`);
}

function writeWhole(path: string, text: string | Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.part`, text);
  renameSync(`${path}.part`, path);
}

function finish(result: object, code: number): never {
  writeWhole(join(folder, 'train_result.json'), JSON.stringify(result));
  process.exit(code);
}

function fail(cause: string, message: string): never {
  const error = { rank: 0, class: cause, message, at: Date.now() };
  writeWhole(join(folder, 'errors/0.json'), JSON.stringify(error));
  process.exit(1);
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await delay(STEP_MS);
}

/** Never ends by itself. */
async function hang(): Promise<never> {
  for (;;) await delay(1000);
}

/** Another node's part: it ends when the first one has. */
async function followFirst(): Promise<never> {
  await until(() => existsSync(join(folder, 'train_result.json')));
  process.exit(0);
}

for (const name of ['SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => {
    if (mode !== 'hang' && mode !== 'orphan') process.exit(143);
  });
if (existsSync(join(folder, 'train_result.json'))) process.exit(0);

const orphan = join(folder, 'orphan');
if (mode === 'orphan') {
  writeFileSync(orphan, '');
  await hang();
}

if (mode === 'orphaning') {
  // As torchrun does: the rank has a session of its own, and here its launcher ends without it.
  spawn(process.execPath, [process.argv[1] ?? '', 'orphan', specPath], {
    detached: true,
    stdio: 'ignore',
  }).unref();
  await until(() => existsSync(orphan));
  process.exit(0);
}

const place = Object.entries(process.env).filter(([name]) => name.startsWith('PET_'));
writeWhole(join(folder, 'environment.json'), JSON.stringify(Object.fromEntries(place)));
// Only the first of several nodes writes.
if ((process.env['PET_NODE_RANK'] ?? '0') !== '0') await followFirst();
let step = existsSync(state) ? Number(readFileSync(state, 'utf8')) : 0;
report(step === 0 ? { event: 'started', step, steps, parameters: 8 } : { event: 'resumed', step });
if (mode === 'nan') finish({ status: 'failed', kind: 'diverged', message: 'loss is NaN' }, 1);
if (mode === 'oom' && (spec.microBatch ?? 8) > 2)
  fail('oom', `CUDA out of memory with micro-batch ${spec.microBatch}`);
while (step < steps) {
  step += 1;
  await delay(mode === 'slow' ? SLOW_MS : STEP_MS);
  const figures = { loss: 1 / step, learningRate: 1e-3, tokens: step, tokensPerSecond: 1 };
  report({ event: 'step', step, steps, ...figures });
  if (mode === 'crash' && step === 2) {
    process.stderr.write('ValueError: no such optimizer\n');
    process.exit(1);
  }
  writeWhole(state, String(step));
  report({ event: 'saved', step });
  if (mode === 'hang' && step === 2) await hang();
}
if (mode === 'silent') process.exit(0);

const weights = safetensors({ a: [1, 2, step] });
writeWhole(join(spec.output, 'config.json'), '{}');
writeWhole(
  join(spec.output, 'model.safetensors'),
  mode === 'torn' ? weights.subarray(0, -4) : weights,
);
if (mode === 'extra') writeWhole(join(spec.output, 'optimizer.pt'), 'PK');
const digest = sha256(mode === 'wrong-base' ? bytes.replace('"model"', '"base"') : bytes);
finish(
  { status: 'completed', spec: digest, steps, loss: 1, dev: null, tokens: step, output: 'output' },
  0,
);
