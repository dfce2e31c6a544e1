import { existsSync, readFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { inject, vi } from 'vitest';
import { TrainOutcome } from '../../../shared/contract/steps.ts';
import type { DrillCluster } from './cluster.ts';
import { PATIENCE_MS } from './drill.ts';

const job = 'trainer-1/jobs/drill/start-0';

/**
 * Gives a cluster that was not started yet the base model of the undisturbed run: its trainer finds that job done. For drills that hurt nothing
 * of it; it is half of the work of a run.
 */
export async function beginTrained({ state }: DrillCluster): Promise<void> {
  const undisturbed = inject('undisturbed');
  const outcome = join(undisturbed, job, 'outcome.json');
  await vi.waitUntil(() => existsSync(outcome), { timeout: PATIENCE_MS, interval: 50 });
  await copyTrained(undisturbed, state);
}

/** Gives a state folder the base model of another one, and the job that trained it. */
export async function copyTrained(from: string, to: string): Promise<void> {
  const outcome = readFileSync(join(from, job, 'outcome.json'), 'utf8');
  const trained = TrainOutcome.parse(JSON.parse(outcome));
  if (trained.outcome === 'failed') throw new Error(`the run in ${from}: ${trained.reason}`);
  for (const path of [job, join('checkpoints', trained.checkpoint)])
    await cp(join(from, path), join(to, path), { recursive: true });
}
