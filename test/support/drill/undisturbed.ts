/** Vitest's global setup of the drills: one undisturbed run, which goes on beside the first drill and is compared with all of them. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type DrillCluster, drillCluster } from './cluster.ts';

declare module 'vitest' {
  interface ProvidedContext {
    undisturbed: string;
  }
}

/** A file that is there when the run has ended well. */
export function undisturbedMark(state: string): string {
  return join(state, 'drill', 'undisturbed');
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const state = mkdtempSync(join(tmpdir(), 'reset-undisturbed-'));
  const cluster = await drillCluster({ state });
  cluster.start();
  const marked = markEnd(cluster);
  project.provide('undisturbed', state);
  return async () => {
    await cluster[Symbol.asyncDispose]();
    await marked;
    await rm(state, { recursive: true, force: true });
  };
}

async function markEnd(cluster: DrillCluster): Promise<void> {
  const code = await cluster.ended();
  if (code === 0) writeFileSync(undisturbedMark(cluster.state), '');
  else
    process.stderr.write(`the undisturbed run ended with ${code}:\n${cluster.stderr.join('\n')}\n`);
}
