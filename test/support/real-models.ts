/** Vitest's global setup of the tests with real servers: small Llamas, written once, with what they say themselves. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    models: string;
  }
}

const programs = fileURLToPath(new URL('../../../test/servers/', import.meta.url));

/** The Python that `npm run setup:servers` made. */
export const python = process.env['RESET_SERVERS_PYTHON'] ?? 'python3';

/** A program beside the tests. */
export function programOf(name: string): string {
  return join(programs, name);
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'reset-models-'));
  const env = { ...process.env, DS_ACCELERATOR: 'cpu', OMP_NUM_THREADS: '1' };
  execFileSync(python, [programOf('models.py'), folder], { env, stdio: ['ignore', 2, 'ignore'] });
  project.provide('models', folder);
  return () => rm(folder, { recursive: true, force: true });
}
