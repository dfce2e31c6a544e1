import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { colourRows, writeRows } from './training-rows.ts';

const program = fileURLToPath(new URL('../../shared/tinylm/main.js', import.meta.url));

/** Jobs of `tinylm train` in a folder of their own, beside `train.jsonl` and `dev.jsonl`; programs and folder are gone when disposed of. */
export interface TrainingJobs extends AsyncDisposable {
  readonly root: string;
  /** A job folder with its spec; `training` and `changes` replace what the spec says otherwise. */
  createJob(name: string, training?: object, changes?: object): Promise<string>;
  start(folder: string, workers?: number): StartedJob;
}

export interface StartedJob {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
}

export async function trainingJobs(): Promise<TrainingJobs> {
  const root = await mkdtemp(join(tmpdir(), 'tinylm-train-'));
  const running = new Set<ChildProcess>();
  await writeRows(join(root, 'train.jsonl'), colourRows(200));
  await writeRows(join(root, 'dev.jsonl'), colourRows(20));
  return {
    root,
    async createJob(name, training = {}, changes = {}) {
      const folder = join(root, name);
      await mkdir(folder);
      const spec = {
        version: 1,
        job: name,
        seed: 101,
        model: {
          from: null,
          config: {
            hidden_size: 32,
            num_hidden_layers: 2,
            num_attention_heads: 2,
            intermediate_size: 64,
            max_position_embeddings: 64,
          },
        },
        data: { train: [join(root, 'train.jsonl')], dev: [join(root, 'dev.jsonl')] },
        output: join(folder, 'output'),
        training: { steps: 60, batchSize: 16, saveEverySteps: 7, ...training },
        probe: ['The cat is red . What is the cat ?', 'ünknown wörds'],
        ...changes,
      };
      await writeFile(join(folder, 'spec.json'), JSON.stringify(spec));
      return folder;
    },
    start(folder, workers = 2) {
      const args = [program, 'train', join(folder, 'spec.json'), '--workers', String(workers)];
      const child = spawn(process.execPath, args, { stdio: 'ignore' });
      running.add(child);
      const ended = once(child, 'exit').then(([code, signal]) => {
        running.delete(child);
        return { code: code as number | null, signal: signal as string | null };
      });
      return { child, ended };
    },
    [Symbol.asyncDispose]: async () => {
      for (const child of running) child.kill('SIGKILL');
      await rm(root, { recursive: true });
    },
  };
}

export async function textOf(folder: string, name: string): Promise<string> {
  return readFile(join(folder, name), 'utf8').catch(() => '');
}

export async function eventsOf(folder: string): Promise<Record<string, unknown>[]> {
  const lines = (await textOf(folder, 'progress.jsonl')).split('\n');
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as Record<string, unknown>];
    } catch {
      return [];
    }
  });
}

export async function resultOf(folder: string): Promise<Record<string, unknown>> {
  return JSON.parse(await textOf(folder, 'train_result.json')) as Record<string, unknown>;
}

export async function filesOf(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(join(folder, 'output'))).toSorted();
  const read = async (name: string) =>
    [name, (await readFile(join(folder, 'output', name))).toString('base64')] as const;
  return Object.fromEntries(await Promise.all(names.map(read)));
}

/** Resolves when a state has been saved that is newer than the `count` first. */
export async function saved(folder: string, count: number): Promise<void> {
  const saves = async () =>
    (await eventsOf(folder)).filter(({ event }) => event === 'saved').length;
  await expect.poll(saves, { interval: 5, timeout: 20_000 }).toBeGreaterThan(count);
}
